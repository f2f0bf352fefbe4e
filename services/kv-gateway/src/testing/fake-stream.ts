import { etcdserverpb } from "@quorate/wire";
import type { CallContext } from "../api/api-method";
import type { StreamCall, StreamMethod, StreamSink } from "../api/stream-method";

/** One stream as its method sees it: what happened, and the means to answer. */
export interface FakeStream {
  readonly context: CallContext;
  readonly sink: StreamSink;
  /** The keys of create requests, and `end`, `drained`, `cancel`. */
  readonly events: readonly string[];
  /** Waits until that many events have happened. */
  heard(count: number): Promise<void>;
}

/** A watch that watches nothing: for specs of the plumbing around streams. */
export class FakeStreams {
  readonly #unseen: FakeStream[] = [];
  #wake: (() => void) | undefined;

  readonly method: StreamMethod = (context, sink): StreamCall => {
    const events: string[] = [];
    let wake: (() => void) | undefined;
    const note = (event: string): void => {
      events.push(event);
      wake?.();
    };
    const heard = async (count: number): Promise<void> => {
      while (events.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    this.#unseen.push({ context, sink, events, heard });
    this.#wake?.();
    return {
      receive: (bytes) => {
        const { createRequest } = etcdserverpb.WatchRequest.decode(bytes);
        note(Buffer.from(createRequest?.key ?? []).toString());
      },
      endOfRequests: () => note("end"),
      drained: () => note("drained"),
      cancel: () => note("cancel"),
    };
  };

  /** The next stream that a client opens, or has opened. */
  async next(): Promise<FakeStream> {
    for (;;) {
      const stream = this.#unseen.shift();
      if (stream !== undefined) return stream;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
