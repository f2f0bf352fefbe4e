import type { Span, TraceContext, Tracer } from "@quorate/telemetry";
import type { StreamId } from "@quorate/watch";

/**
 * What a fan-out adds to traces: to that of a watcher the time from its creation until it has been sent everything, to that of
 * a write the delivery of the batch that it is in. Empty, and a check for that at each turn, while nothing is sampled.
 */
export class FanoutSpans {
  #created: { readonly stream: StreamId; readonly span: Span }[] = [];
  #delivering: Span[] = [];

  constructor(private readonly dependencies: { readonly tracer: Tracer }) {}

  /** Of the watcher that has been catching up the longest. */
  get catchingUp(): TraceContext | undefined {
    return this.#created[0]?.span.context;
  }

  /** Watchers were created on behalf of `trace`. */
  created(stream: StreamId, trace: TraceContext | undefined): void {
    const span = this.#start("watch-fanout create", trace, "server");
    if (span !== undefined) this.#created.push({ stream, span });
  }

  /** A batch came in that has changes of a sampled request in it. */
  fed(trace: TraceContext): void {
    const span = this.#start("watch-fanout deliver", trace, "producer");
    if (span !== undefined) this.#delivering.push(span);
  }

  /** @param streams How many were sent something. */
  turnEnded(streams: number, isBehind: (stream: StreamId) => boolean): void {
    for (const span of this.#delivering) {
      span.setAttribute("watch.streams", streams);
      span.end();
    }
    this.#delivering = [];
    if (this.#created.length === 0) return;
    this.#created = this.#created.filter(({ stream, span }) => {
      if (isBehind(stream)) return true;
      span.end();
      return false;
    });
  }

  #start(name: string, trace: TraceContext | undefined, kind: "server" | "producer"): Span | undefined {
    if (trace === undefined) return undefined;
    return this.dependencies.tracer.startSpan(name, trace, undefined, { kind });
  }
}
