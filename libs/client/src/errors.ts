/** The gRPC status codes by number, as etcd's clients know them. */
const CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

export type QuorateErrorCode = Exclude<(typeof CODES)[number], "OK">;

/**
 * Whether a failed call can have changed anything. "definite": it did not and never will. "unknown": it may have happened,
 * or may still happen; sending it again can then do it twice. Calls that only read are always definite.
 */
export type Outcome = "definite" | "unknown";

/** Every rejection of a call. Match on `code`, and on `message` for what a code covers several of: it is etcd's text. */
export class QuorateError extends Error {
  override readonly name = "QuorateError";

  constructor(
    readonly code: QuorateErrorCode,
    message: string,
    readonly outcome: Outcome,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The name of a gRPC status code; "UNKNOWN" for a number that is none, and for 0, which is no error. */
export function errorCodeOf(status: number): QuorateErrorCode {
  const code = CODES[status];
  return code === undefined || code === "OK" ? "UNKNOWN" : code;
}
