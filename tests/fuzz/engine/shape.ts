const DEPTH_MAX = 6;
const ITEMS_MAX = 4;

/**
 * What `value` looks like without its exact contents: which fields there are, which are empty, small or large. An input whose
 * result has a new shape took a way through the decoder that none took before. It stands in for the coverage that a compiler
 * would count.
 */
export function shapeOf(value: unknown, depth = 0): string {
  if (value === null || value === undefined || typeof value === "boolean") return String(value);
  if (typeof value === "number") return `n${magnitude(value)}`;
  if (typeof value === "bigint") return `i${value === 0n ? "0" : value < 0n ? "-" : "+"}`;
  if (typeof value === "string") return value === "" ? "''" : "s";
  if (value instanceof Uint8Array) return value.length === 0 ? "b0" : "b";
  if (typeof value !== "object" || depth >= DEPTH_MAX) return typeof value;
  if (value instanceof Error) return errorShape(value);
  const items: unknown[] | undefined = Array.isArray(value) ? (value as unknown[]) : undefined;
  if (items !== undefined) {
    const shapes = new Set(items.slice(0, ITEMS_MAX).map((item) => shapeOf(item, depth + 1)));
    return `[${Math.min(items.length, 3)}:${[...shapes].join()}]`;
  }
  const fields = Object.entries(value).slice(0, 24);
  return `{${fields.map(([name, field]) => `${name.slice(0, 12)}=${shapeOf(field, depth + 1)}`).join()}}`;
}

/** An error's name and text without numbers, up to a quotation: the place that threw it, as good as. */
export function errorShape(error: unknown): string {
  if (!(error instanceof Error)) return `thrown ${typeof error}`;
  const text = error.message.replace(/["'][^]*/, "_").replace(/[\d.]+/g, "#");
  return `${error.name}: ${text.slice(0, 120)}`;
}

/** All of `value` as text: equal for equal values, whatever class their bytes are of. */
export function exactText(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name: string, json: unknown) {
    const field = this[name]; // before `toJSON`, which a Buffer has
    if (field instanceof Uint8Array)
      return `bytes:${Buffer.from(field.buffer, field.byteOffset, field.length).toString("hex")}`;
    if (field instanceof Map) return { map: [...(field as Map<unknown, unknown>)] };
    if (typeof field === "bigint") return `bigint:${field}`;
    if (typeof field === "number" && (!Number.isFinite(field) || Object.is(field, -0)))
      return `number:${field}`;
    return json;
  });
}

function magnitude(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value < 0) return "-";
  if (!Number.isInteger(value)) return ".";
  return value === 0 ? "0" : value < 2 ** 32 ? "s" : value <= Number.MAX_SAFE_INTEGER ? "l" : "x";
}
