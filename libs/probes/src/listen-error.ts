/** The client address cannot be listened on; usually another process does already. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code = "listen";

  constructor(
    readonly address: string,
    options: { readonly cause: Error },
  ) {
    const inUse = options.cause.message.includes("EADDRINUSE");
    super(
      `Cannot listen on ${address}: ${inUse ? "another process does (EADDRINUSE)" : options.cause.message}`,
      options,
    );
  }
}
