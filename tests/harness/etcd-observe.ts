import { Client, credentials, type ClientReadableStream, type ServiceError } from "@grpc/grpc-js";
import { v3electionpb } from "@quorate/wire";

import { eventually } from "./eventually";

const { LeaderRequest, LeaderResponse } = v3electionpb;

/** A bare Observe stream of the etcd API: what came, and how it ended. It is never opened anew. */
export class EtcdObserve {
  readonly responses: v3electionpb.LeaderResponse[] = [];
  /** How the server, or the connection, ended the stream. */
  ended: { readonly code: number; readonly text: string } | undefined;
  readonly #client: Client;
  readonly #stream: ClientReadableStream<v3electionpb.LeaderResponse>;

  /** @param address host:port */
  constructor(address: string, name: Uint8Array) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    this.#stream = this.#client.makeServerStreamRequest(
      "/v3electionpb.Election/Observe",
      (message: v3electionpb.LeaderRequest.$Properties) =>
        Buffer.from(LeaderRequest.encode(message).finish()),
      (bytes: Buffer) => LeaderResponse.decode(bytes),
      { name },
    );
    this.#stream.on("data", (response: v3electionpb.LeaderResponse) => this.responses.push(response));
    this.#stream.on("error", (error: ServiceError) => {
      this.ended = { code: error.code, text: error.details };
    });
  }

  async untilResponses(count: number, withinMs = 10_000): Promise<void> {
    await eventually(`${count} leaders observed`, { withinMs }, () => this.responses.length >= count);
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}
