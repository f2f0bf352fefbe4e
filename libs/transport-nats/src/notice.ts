/** What an operator or the owner of a transport should hear about, besides its status. None of it is an answer to a call. */
export type TransportNotice =
  /** The broker will stop soon: move work elsewhere. The connection is lost when it does. */
  | { readonly kind: "lame-duck"; readonly server: string }
  /** The broker dropped a message or a subscription. Treat it as a fatal error of configuration. */
  | {
      readonly kind: "permission-denied";
      readonly operation: "publish" | "subscription" | "unknown";
      readonly subject: string;
    }
  /** Any other error that the broker reported, such as an expired login. */
  | { readonly kind: "broker-error"; readonly error: string }
  /** The broker does not answer pings: the connection is given up. */
  | { readonly kind: "stale-connection"; readonly server: string }
  /** A broker that was connected to later has a limit that is too small; large messages to it are dropped. */
  | { readonly kind: "payload-limit"; readonly maxPayload: number; readonly needed: number }
  /** A message that the client library would not send, for example because of an invalid subject or header. */
  | { readonly kind: "not-publishable"; readonly subject: string; readonly error: unknown };
