import { connect, headers, type ConnectionOptions, type Msg, type MsgHdrs, type NatsConnection } from "nats";

/** An answer of the NATS API as it came: what it means is the test's business. */
export interface NatsAnswer {
  readonly data: Uint8Array;
  readonly contentType: string;
  /** gRPC status code, 0 if the call succeeded. */
  readonly errorCode: number;
  readonly errorText: string;
}

export interface NatsRequest {
  readonly data: Uint8Array;
  /** Value of the header; none unless told. */
  readonly contentType?: string;
}

/** Somebody whom a broker knows. */
export type BrokerLogin = Pick<ConnectionOptions, "inboxPrefix" | "authenticator">;

const LOGIN_MS = 1000;

/** Sends requests with the plain `nats` package, as any microservice would. */
export class NatsCaller implements AsyncDisposable {
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  /** @param url Of several brokers with commas. */
  static async connect(url: string): Promise<NatsCaller> {
    // However long the brokers are gone: a test that breaks them wants to be back with them.
    const forever = { maxReconnectAttempts: -1, reconnectTimeWait: 200 };
    return new NatsCaller(await connect({ servers: url.split(","), name: "tests", ...forever }));
  }

  /** For as long as the broker lives, which knows others by other secrets when it is started again. */
  static async logIn(url: string, user: BrokerLogin): Promise<NatsCaller> {
    const once = { reconnect: false, timeout: LOGIN_MS };
    return new NatsCaller(await connect({ servers: [url], name: "tests", ...once, ...user }));
  }

  /** @throws {NatsError} With code "503" if nobody serves the subject, "TIMEOUT" if nobody answered in time. */
  async request(
    subject: string,
    { data, contentType }: NatsRequest,
    timeoutMs = 10_000,
  ): Promise<NatsAnswer> {
    const options = { timeout: timeoutMs };
    const answer: Msg =
      contentType === undefined
        ? await this.#connection.request(subject, data, options)
        : await this.#connection.request(subject, data, {
            ...options,
            headers: contentTypeHeader(contentType),
          });
    return {
      data: answer.data,
      contentType: answer.headers?.get("Content-Type") ?? "",
      errorCode: Number(answer.headers?.get("Nats-Service-Error-Code") ?? 0),
      errorText: answer.headers?.get("Nats-Service-Error") ?? "",
    };
  }

  async json(
    subject: string,
    request: unknown,
  ): Promise<{ readonly body: unknown; readonly answer: NatsAnswer }> {
    const answer = await this.request(subject, {
      data: Buffer.from(typeof request === "string" ? request : JSON.stringify(request)),
      contentType: "application/json",
    });
    const text = Buffer.from(answer.data).toString();
    return { body: text === "" ? undefined : (JSON.parse(text) as unknown), answer };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

function contentTypeHeader(contentType: string): MsgHdrs {
  const set = headers();
  set.set("Content-Type", contentType);
  return set;
}
