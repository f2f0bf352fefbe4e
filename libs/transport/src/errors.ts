/** What was asked needs the broker, and there is no connection to it now. Trying again later may help. */
export class NotConnectedError extends Error {
  override readonly name = "NotConnectedError";
  readonly code = "not-connected";

  constructor(what: string, options?: { readonly cause?: unknown }) {
    super(`Cannot ${what}: not connected to the broker`, options);
  }
}

/** The transport was closed; it never opens again. */
export class TransportClosedError extends Error {
  override readonly name = "TransportClosedError";
  readonly code = "transport-closed";

  constructor(what: string, options?: { readonly cause?: unknown }) {
    super(`Cannot ${what}: the transport is closed`, options);
  }
}

export type TransportError = NotConnectedError | TransportClosedError;
