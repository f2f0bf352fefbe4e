import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";

import { etcdserverpb } from "@quorate/wire";

import { countEvents, Frames, frame } from "./watch-frames";

/** What a stream tells of a response: whom it is for, and how many events it holds. */
export interface WatchCounts {
  readonly events: number;
  readonly created: boolean;
}

/**
 * A Watch stream over bare HTTP/2, with only so much of each response read as is needed to count: a whole gRPC client
 * would be slower than the servers that it is to measure.
 */
export class WatchStream {
  readonly #stream: ClientHttp2Stream;

  /** @param onResponse Called for each response as it comes. */
  constructor(session: ClientHttp2Session, onResponse: (counts: WatchCounts) => void) {
    this.#stream = session.request({
      ":method": "POST",
      ":path": "/etcdserverpb.Watch/Watch",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const frames = new Frames((message) => onResponse(countEvents(message)));
    this.#stream.on("data", (chunk: Buffer) => frames.push(chunk));
  }

  create(createRequest: etcdserverpb.WatchCreateRequest.$Properties): void {
    this.#stream.write(frame(etcdserverpb.WatchRequest.encode({ createRequest }).finish()));
  }

  close(): void {
    this.#stream.close();
  }
}

/** A connection with windows so large that they are never what limits. */
export function connectHttp2(address: string): ClientHttp2Session {
  const windowBytes = 16 * 1024 * 1024;
  const session = connect(`http://${address}`, { settings: { initialWindowSize: windowBytes } });
  session.once("connect", () => session.setLocalWindowSize(windowBytes));
  return session;
}
