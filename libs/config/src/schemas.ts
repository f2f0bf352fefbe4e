import { z } from "zod";

// Schemas for values that arrive as text, from a flag or the environment. Their description is what a user is told to
// give, in help and in errors: it completes "needs …".

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number): z.ZodType<number> {
  return fromText(
    (text) => (/^-?\d{1,16}$/.test(text) ? Number(text) : undefined),
    (value) => Number.isSafeInteger(value) && value >= min && value <= max,
    `a whole number from ${min} to ${max}`,
  );
}

/** A number from `min` to `max`, both included. */
export function decimal(min: number, max: number): z.ZodType<number> {
  return fromText(
    (text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined),
    (value) => value >= min && value <= max,
    `a number from ${min} to ${max}`,
  );
}

/** A TCP port; 0 lets the system choose. */
export function port(): z.ZodType<number> {
  return integer(0, 65_535);
}

/** Text of at least one character. */
export function text(): z.ZodType<string> {
  return z.string().min(1).describe("some text");
}

/** Text that `pattern` matches in full. @param allowed Completes "needs …". */
export function matching(pattern: RegExp, allowed: string): z.ZodType<string> {
  return z
    .string()
    .regex(new RegExp(`^(?:${pattern.source})$`, pattern.flags))
    .describe(allowed);
}

export function oneOf<const T extends string>(...values: readonly T[]): z.ZodType<T> {
  return z.enum(values as readonly [T, ...T[]]).describe(`one of ${values.join(", ")}`);
}

/** Items between commas, each as `item` wants it; spaces around them do not count. */
export function listOf<T>(item: z.ZodType<T>): z.ZodType<readonly T[]> {
  return z
    .preprocess(
      (given) => (typeof given === "string" ? given.split(",").map((part) => part.trim()) : given),
      z.array(item).min(1).readonly(),
    )
    .describe(`a list with commas, each ${item.description ?? "item of the right kind"}`);
}

/** What turns a flag into a switch: `--name` and `--no-name`; true or false, 1 or 0 in the environment. */
export function onOrOff(): z.ZodBoolean {
  return z.boolean().describe("true or false");
}

/** Takes text, or a default that already has its type. */
function fromText<T>(
  parse: (text: string) => T | undefined,
  holds: (value: T) => boolean,
  allowed: string,
): z.ZodType<T> {
  return z
    .unknown()
    .transform((given, context): T => {
      const value = typeof given === "string" ? parse(given) : (given as T | undefined);
      if (value !== undefined && holds(value)) return value;
      context.addIssue({ code: "custom", message: `needs ${allowed}` });
      return z.NEVER;
    })
    .describe(allowed);
}
