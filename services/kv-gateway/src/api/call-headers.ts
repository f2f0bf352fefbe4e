const MS_OF_UNIT: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * Reads a `grpc-timeout`, which HTTP callers may send too.
 *
 * @returns milliseconds; Infinity if none is given, `undefined` if it cannot be read.
 */
export function timeoutOf(header: string | readonly string[] | undefined): number | undefined {
  if (header === undefined) return Infinity;
  const text = typeof header === "string" ? header : (header[0] ?? "");
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Number(digits) * MS_OF_UNIT[unit]!;
}

/** etcd takes a token with or without the word that HTTP wants before it. */
export function tokenOf(authorization: string | undefined): string | undefined {
  const token = authorization?.replace(/^Bearer /, "");
  return token === "" ? undefined : token;
}
