import type { ClientHttp2Session } from "node:http2";

import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { percentile } from "./load";
import { connectHttp2, WatchStream } from "./watch-stream";

/** One run of watchers against a gRPC door. */
export interface WatchLoadOptions {
  /** host:port */
  readonly address: string;
  readonly watchers: number;
  /** Whether all watch one key, or each one of its own. */
  readonly keys: "one" | "own";
  readonly puts: number;
  /** Puts under way at any time. */
  readonly callers: number;
  /** If given, puts begin at this rate, one at a time, and their way to a watcher is timed. */
  readonly putsPerSecond?: number;
  readonly valueBytes: number;
}

export interface WatchLoadResult {
  readonly createdPerSecond: number;
  /** From the first put until the last event has come to the last watcher. */
  readonly eventsPerSecond: number;
  /** Milliseconds from the call of a put until the first watcher has its event; only at a given rate. */
  readonly latency: { readonly p50: number; readonly p99: number } | undefined;
  /** Cores that this process kept busy: near 1, it is what is measured. */
  readonly generatorCores: number;
}

/** etcd's clients share one stream among the watchers of a process; a hundred on each is a common case. */
const WATCHERS_PER_STREAM = 100;
const STREAMS_PER_CONNECTION = 20;
const WITHIN_MS = 120_000;

/** Creates watchers, puts, and counts what arrives. Every watcher must get every event of its key, or the run fails. */
export async function runWatchLoad(options: WatchLoadOptions): Promise<WatchLoadResult> {
  const startedAt = performance.now();
  const cpuAtStart = process.cpuUsage();
  const load = new WatchLoad(options);
  try {
    const createdPerSecond = await load.create();
    const { eventsPerSecond, latency } = await load.deliver();
    const { user, system } = process.cpuUsage(cpuAtStart);
    const generatorCores = (user + system) / 1000 / (performance.now() - startedAt);
    return { createdPerSecond, eventsPerSecond, latency, generatorCores };
  } finally {
    load.close();
  }
}

class WatchLoad {
  readonly #options: WatchLoadOptions;
  readonly #client: EtcdClient;
  readonly #sessions: ClientHttp2Session[] = [];
  readonly #streams: WatchStream[] = [];
  readonly #prefix = `watched/${process.pid}/`;
  readonly #latencies: number[] = [];
  #created = 0;
  #events = 0;
  #putAt = 0;

  constructor(options: WatchLoadOptions) {
    this.#options = options;
    this.#client = new EtcdClient({ address: options.address, deadlineMs: WITHIN_MS });
  }

  /** @returns Watchers created per second. */
  async create(): Promise<number> {
    const { address, watchers } = this.#options;
    const streams = Math.ceil(watchers / WATCHERS_PER_STREAM);
    const from = performance.now();
    for (let at = 0; at < streams; at += 1) {
      if (at % STREAMS_PER_CONNECTION === 0) this.#sessions.push(connectHttp2(address));
      const stream = new WatchStream(this.#sessions.at(-1)!, ({ events, created }) => {
        if (created) this.#created += 1;
        if (events > 0) this.#arrived(events);
      });
      this.#streams.push(stream);
    }
    for (let watcher = 0; watcher < watchers; watcher += 1) {
      this.#streams[watcher % streams]!.create({ key: this.#key(watcher) });
    }
    await eventually("all watchers to be created", { withinMs: WITHIN_MS, everyMs: 1 }, () => {
      return this.#created >= watchers;
    });
    return watchers / ((performance.now() - from) / 1000);
  }

  async deliver(): Promise<Pick<WatchLoadResult, "eventsPerSecond" | "latency">> {
    const { watchers, keys, puts, putsPerSecond } = this.#options;
    const expected = keys === "one" ? puts * watchers : puts;
    const from = performance.now();
    await (putsPerSecond === undefined ? this.#putAll() : this.#putAtRate(putsPerSecond));
    await eventually("all events to come", { withinMs: WITHIN_MS, everyMs: 1 }, () => {
      return this.#events >= expected;
    });
    const seconds = (performance.now() - from) / 1000;
    if (this.#events > expected) throw new Error(`${this.#events} events came instead of ${expected}`);
    const sorted = Float64Array.from(this.#latencies).sort();
    return {
      eventsPerSecond: expected / seconds,
      latency:
        sorted.length === 0 ? undefined : { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) },
    };
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
    for (const session of this.#sessions) session.destroy();
    this.#client.close();
  }

  async #putAll(): Promise<void> {
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < this.#options.puts) await this.#put((next += 1) - 1);
    };
    await Promise.all(Array.from({ length: this.#options.callers }, caller));
  }

  /** One after the other, so that an event can only be that of the put under way. */
  async #putAtRate(putsPerSecond: number): Promise<void> {
    const from = performance.now();
    for (let at = 0; at < this.#options.puts; at += 1) {
      const due = from + (at * 1000) / putsPerSecond;
      await eventually("the next put to be due", { withinMs: WITHIN_MS, everyMs: 1 }, () => {
        return performance.now() >= due;
      });
      const before = this.#latencies.length;
      this.#putAt = performance.now();
      await this.#put(at);
      await eventually("the event to come", { withinMs: WITHIN_MS, everyMs: 1 }, () => {
        return this.#latencies.length > before;
      });
    }
  }

  #put(at: number): Promise<unknown> {
    return this.#client.put({ key: this.#key(at), value: Buffer.alloc(this.#options.valueBytes) });
  }

  #arrived(events: number): void {
    this.#events += events;
    if (this.#putAt === 0) return;
    this.#latencies.push(performance.now() - this.#putAt);
    this.#putAt = 0;
  }

  #key(at: number): Buffer {
    const { keys, watchers } = this.#options;
    return Buffer.from(`${this.#prefix}${keys === "one" ? 0 : at % watchers}`);
  }
}
