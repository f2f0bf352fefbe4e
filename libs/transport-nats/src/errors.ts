/** No broker answered in time. */
export class BrokerUnreachableError extends Error {
  override readonly name = "BrokerUnreachableError";
  readonly code = "broker-unreachable";

  constructor(
    readonly servers: readonly string[],
    readonly withinMs: number,
    options: { readonly cause: unknown },
  ) {
    super(
      `Cannot reach a NATS broker at ${servers.join(", ")} within ${withinMs} ms (${describe(options.cause)}): ` +
        "start nats-server there, or correct the servers option",
      options,
    );
  }
}

/** A broker answered and turned this client away; trying again does not help. */
export class BrokerRefusedError extends Error {
  override readonly name = "BrokerRefusedError";
  readonly code = "broker-refused";

  constructor(
    readonly servers: readonly string[],
    options: { readonly cause: unknown },
  ) {
    super(
      `Cannot log in to the NATS broker at ${servers.join(", ")} (${describe(options.cause)}): ` +
        "check user, password, token and TLS options against the broker's configuration",
      options,
    );
  }
}

/** The broker works, but not with these options. */
export class TransportConfigurationError extends Error {
  override readonly name = "TransportConfigurationError";
  readonly code = "transport-configuration";

  constructor(
    message: string,
    readonly facts: Readonly<Record<string, number | string>>,
  ) {
    super(message);
  }
}

/** How to reach or log in to the broker was given wrongly. Never quotes a secret. */
export class BrokerAccessError extends Error {
  override readonly name = "BrokerAccessError";
  readonly code = "broker-access";
}

/** The broker does not allow what this process cannot work without. */
export class BrokerDeniedError extends Error {
  override readonly name = "BrokerDeniedError";
  readonly code = "broker-denied";

  constructor(
    readonly operation: "publish to" | "subscribe to",
    readonly subjects: readonly string[],
  ) {
    super(
      `The broker does not let this process ${operation} ${subjects.join(", ")}: its credentials are those of another user, ` +
        "or the broker's permissions are not those that `quorate broker-config` writes",
    );
  }
}

/** A message whose subject, or reply subject, must not come into a line of the broker's protocol. */
export class UnsendableSubjectError extends Error {
  override readonly name = "UnsendableSubjectError";
  readonly code = "unsendable-subject";

  constructor(
    readonly subject: string,
    readonly reply: string | undefined,
  ) {
    super("Cannot publish: the subject or the reply subject is empty, too long, or holds a space");
  }
}

export type NatsTransportError =
  | BrokerUnreachableError
  | BrokerRefusedError
  | BrokerAccessError
  | BrokerDeniedError
  | TransportConfigurationError;

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === "" ? cause.name : cause.message;
}
