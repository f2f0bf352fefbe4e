import type { VirtualTime } from "@quorate/actor";
import type { Prng } from "@quorate/base";
import { NO_TRACER } from "@quorate/telemetry";
import type { MemoryNetwork } from "@quorate/transport";
import type { SourceId } from "@quorate/watch";
import type { Subjects } from "@quorate/wire";
import { Fanout } from "../../services/watch-fanout/src/fanout";
import { listeningLogger } from "./listening-logger";
import type { Marks } from "./marks";

export interface SimulatedFanoutOptions {
  readonly name: string;
  /** Small, so that watchers often need history, in many pieces. */
  readonly windowBytesMax: number;
  readonly historyChunkBytes: number;
}

/** A watch-fanout process: the real actors, which lose everything when it crashes. */
export class SimulatedFanout {
  #fanout: Fanout | undefined;

  constructor(
    private readonly options: SimulatedFanoutOptions,
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly prng: Prng;
      readonly network: MemoryNetwork;
      readonly subjects: Subjects;
      readonly marks?: Marks;
    },
  ) {}

  get name(): string {
    return this.options.name;
  }

  get running(): boolean {
    return this.#fanout !== undefined;
  }

  start(): void {
    const { time, prng, network, subjects } = this.dependencies;
    const source = ((BigInt(prng.next()) << 32n) | BigInt(prng.next())) as SourceId;
    this.#fanout = new Fanout(
      { ...this.options, source, streamsMax: 1000, eventSubjects: false },
      {
        transport: network.connect(this.name),
        feedTransport: network.connect(this.name),
        subjects,
        clock: time,
        scheduler: time,
        logger: listeningLogger((message) => this.#heard(message)),
        tracer: NO_TRACER,
      },
    );
    void this.#fanout.start();
  }

  crash(): void {
    this.dependencies.network.crash(this.name);
    void this.#fanout?.stop();
    this.#fanout = undefined;
  }

  #heard(message: string): void {
    const { marks } = this.dependencies;
    if (message === "the feed has a gap; going on with history")
      marks?.sometimes("a fan-out went on with history after a gap in its feed");
    if (message === "no node answers: streams are given up")
      marks?.sometimes("a fan-out gave its streams up because no node answered");
  }
}
