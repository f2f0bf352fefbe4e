const MS_OF_UNIT: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * How long a caller says it waits, in the header `Grpc-Timeout`: digits and a unit, as in `500m` for half a second (gRPC over
 * HTTP/2).
 *
 * @returns milliseconds; Infinity if there is no header, `undefined` if it cannot be read.
 */
export function timeoutMsOf(header: string | undefined): number | undefined {
  if (header === undefined) return Infinity;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Number(digits) * MS_OF_UNIT[unit]!;
}

export function invalidTimeoutText(header: string | undefined): string {
  return `invalid grpc-timeout: ${header ?? ""}`;
}
