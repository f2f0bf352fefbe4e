/** What only a bug can cause. It is never caught and continued from: a wrong replica is worse than a missing one. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
  readonly code = "invariant";

  constructor(
    readonly rule: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(`Invariant broken: ${rule}${describe(facts)}`);
  }
}

/**
 * Ends the current computation with an {@link InvariantError} unless `condition` holds.
 *
 * @param rule The rule, stated positively: "the commit index never moves back".
 * @param facts Values that help to understand the failure; printed with the rule.
 */
export function invariant(
  condition: boolean,
  rule: string,
  facts?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new InvariantError(rule, facts);
}

/** Closes a `switch` over a union: a member that was forgotten is a type error here, and an invariant at run time. */
export function assertNever(value: never): never {
  throw new InvariantError("every case of a union is handled", { value });
}

function describe(facts: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(facts).map(([key, value]) => `${key}=${print(value)}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function print(value: unknown): string {
  if (typeof value === "bigint") return value.toString(16);
  if (typeof value === "object" && value !== null) {
    return JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === "bigint" ? inner.toString(16) : inner,
    );
  }
  return String(value);
}
