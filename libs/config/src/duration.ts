const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g;

/**
 * Reads a length of time as etcd's flags write it (`10m`, `1h30m`, `1.5h`, `500ms`).
 *
 * @returns milliseconds; `undefined` if it is not one. A bare number is none, for lack of a unit.
 */
export function parseDurationMs(text: string): number | undefined {
  let sum = 0;
  let read = 0;
  for (const [part, amount, unit] of text.matchAll(PART)) {
    sum += Number(amount) * UNIT_MS[unit!]!;
    read += part.length;
  }
  return text !== "" && read === text.length ? sum : undefined;
}
