import { Client, credentials, Metadata, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import { etcdserverpb } from "@quorate/wire";

import { eventually } from "./eventually";

const { WatchRequest, WatchResponse } = etcdserverpb;

/** A bare Watch stream of the etcd API: what was sent, what came, and how it ended. It is never opened anew. */
export class EtcdWatch {
  readonly responses: etcdserverpb.WatchResponse[] = [];
  /** How the server, or the connection, ended the stream. */
  ended: { readonly code: number; readonly text: string } | undefined;
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<etcdserverpb.WatchRequest.$Properties, etcdserverpb.WatchResponse>;

  /**
   * @param address host:port
   * @param onResponse Called with each response as it comes, before it is kept.
   */
  constructor(
    address: string,
    metadata: Readonly<Record<string, string>> = {},
    onResponse: (response: etcdserverpb.WatchResponse) => void = () => undefined,
  ) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
    });
    const sent = new Metadata();
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
    this.#stream = this.#client.makeBidiStreamRequest(
      "/etcdserverpb.Watch/Watch",
      (message: etcdserverpb.WatchRequest.$Properties) => Buffer.from(WatchRequest.encode(message).finish()),
      (bytes: Buffer) => WatchResponse.decode(bytes),
      sent,
    );
    this.#stream.on("data", (response: etcdserverpb.WatchResponse) => {
      onResponse(response);
      this.responses.push(response);
    });
    this.#stream.on("status", ({ code, details }: { code: number; details: string }) => {
      this.ended ??= { code, text: details };
    });
    this.#stream.on("error", (error: ServiceError) => {
      this.ended = { code: error.code, text: error.details };
    });
  }

  get events() {
    return this.responses.flatMap(({ events }) => events);
  }

  create(createRequest: etcdserverpb.WatchCreateRequest.$Properties): void {
    this.send({ createRequest });
  }

  send(request: etcdserverpb.WatchRequest.$Properties): void {
    this.#stream.write(request);
  }

  /** Says that nothing more will be asked. */
  halfClose(): void {
    this.#stream.end();
  }

  /** Lets what comes pile up on the way. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  async untilResponses(count: number, withinMs = 10_000): Promise<void> {
    await eventually(`${count} responses to a watch`, { withinMs }, () => this.responses.length >= count);
  }

  async untilCreated(count = 1): Promise<void> {
    await eventually(
      "a watch to be created",
      { withinMs: 10_000 },
      () => this.responses.filter(({ created }) => created).length >= count,
    );
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}
