/** Bytes that are not an encoding of what they should be. Never a reason to stop: whoever sent them is at fault. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly code = "malformed";
  /** It may be sound, and of a kind that only newer versions know. */
  readonly unknownKind: boolean;

  /**
   * @param subject What was being decoded: a message name.
   * @param reason What is wrong with it; by default what `cause` says.
   */
  constructor(
    readonly subject: string,
    reason?: string,
    options?: { readonly cause?: unknown; readonly unknownKind?: boolean },
  ) {
    super(`Cannot decode ${subject}: ${reason ?? messageOf(options?.cause)}`, options);
    this.unknownKind = options?.unknownKind ?? false;
  }
}

/** JSON that does not fit the message it was given for. */
export class JsonMappingError extends Error {
  override readonly name = "JsonMappingError";
  readonly code = "invalid-json";

  /** @param path Where: `compare[0].range_end`; empty for the message itself. */
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(path === "" ? reason : `${path}: ${reason}`);
  }
}

/** A cluster name that cannot be a subject token. */
export class ClusterNameError extends Error {
  override readonly name = "ClusterNameError";
  readonly code = "invalid-cluster-name";

  constructor(readonly given: string) {
    super(
      `Cannot use ${JSON.stringify(given)} as a cluster name: it needs 1 to 64 characters of A-Z, a-z, 0-9, _ and -`,
    );
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
