import type { Revision } from "@quorate/mvcc";
import type { VirtualTime } from "@quorate/actor";
import type { Prng } from "@quorate/base";
import { NO_TRACER } from "@quorate/telemetry";
import type { MemoryNetwork } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";
import { LeaderTracker } from "../../services/kv-gateway/src/actors/leader-tracker";
import { NodeQueries } from "../../services/kv-gateway/src/actors/node-queries";
import { WatchApi } from "../../services/kv-gateway/src/watch/watch-api";
import type { WatchSink, WatchStream } from "../../services/kv-gateway/src/watch/watch-stream";

export interface SimulatedWatchGatewayOptions {
  readonly name: string;
  readonly streamWindowBytes: number;
}

interface Running {
  readonly api: WatchApi;
  readonly tracker: LeaderTracker;
}

/** The Watch part of a gateway process. Clients whose stream it served learn of a crash by themselves. */
export class SimulatedWatchGateway {
  #running: Running | undefined;
  readonly #onCrash = new Set<() => void>();

  constructor(
    private readonly options: SimulatedWatchGatewayOptions,
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly prng: Prng;
      readonly network: MemoryNetwork;
      readonly subjects: Subjects;
    },
  ) {}

  get name(): string {
    return this.options.name;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  start(): void {
    const { time, prng, network, subjects } = this.dependencies;
    const transport = network.connect(this.name);
    const tracker = new LeaderTracker({ askIntervalMs: 200 }, { transport, subjects, clock: time });
    const api = new WatchApi(
      {
        gateway: (BigInt(prng.next()) << 32n) | BigInt(prng.next()),
        progressNotifyMs: 500,
        electionTimeoutMs: 1000,
        fragmentBytes: 2 * 1024 * 1024,
        streamWindowBytes: this.options.streamWindowBytes,
        streamWatchersMax: 100_000,
      },
      {
        transport,
        subjects,
        clock: time,
        scheduler: time,
        answerAs: () => undefined,
        newest: { value: 0 as Revision },
        prng,
        tracer: NO_TRACER,
        tracker,
        queries: new NodeQueries({ transport, subjects }),
      },
    );
    this.#running = { api, tracker };
  }

  /** @param lost Called when the process dies, once. */
  open(sink: WatchSink, lost: () => void): WatchStream | undefined {
    const stream = this.#running?.api.open(sink, false);
    if (stream !== undefined) this.#onCrash.add(lost);
    return stream;
  }

  crash(): void {
    this.dependencies.network.crash(this.name);
    const running = this.#running;
    this.#running = undefined;
    const lost = [...this.#onCrash];
    this.#onCrash.clear();
    for (const tell of lost) tell();
    running?.api.close();
    running?.tracker.close();
  }
}
