import type { VirtualTime } from "@quorate/actor";
import type { Transport } from "@quorate/transport";
import type { RawCommand, RawLeaseQuery, RawRead, Subjects } from "@quorate/wire";
import { LeaderTarget } from "../../services/kv-gateway/src/actors/leader-target";
import { LeaderTracker } from "../../services/kv-gateway/src/actors/leader-tracker";
import { MemberDirectory } from "../../services/kv-gateway/src/actors/member-directory";
import { NodeQueries } from "../../services/kv-gateway/src/actors/node-queries";
import {
  PendingCall,
  type CallOutcome,
  type LeaseQueryCall,
  type WriteKind,
} from "../../services/kv-gateway/src/actors/pending-call";
import { Proposer } from "../../services/kv-gateway/src/actors/proposer";
import { NewestRevision } from "../../services/kv-gateway/src/actors/newest-revision";
import { LEASE_QUERY, LINEARIZABLE_READ, Reader } from "../../services/kv-gateway/src/actors/reader";
import { ReadTargets } from "../../services/kv-gateway/src/actors/read-targets";
import { TimeoutCause } from "../../services/kv-gateway/src/actors/timeout-cause";

const BACK_OFF = { firstMs: 20, maxMs: 200 };
const QUEUE = { callsMax: 10_000, bytesMax: 64 * 1024 * 1024, batchCallsMax: 64, batchBytesMax: 1024 * 1024 };

/** The gateway's real actors, without its doors. */
export class SimulatedGateway {
  readonly #proposer: Proposer;
  readonly #reader: Reader;
  readonly #leaseReader: Reader<LeaseQueryCall>;

  constructor(
    private readonly options: { readonly id: bigint; readonly timeoutMs: number },
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly transport: Transport;
      readonly subjects: Subjects;
    },
  ) {
    const { time, transport, subjects } = dependencies;
    const shared = {
      transport,
      subjects,
      clock: time,
      scheduler: time,
      answerAs: () => undefined,
      newest: new NewestRevision(),
    };
    const tracker = new LeaderTracker({ askIntervalMs: 200 }, shared);
    const queries = new NodeQueries(shared);
    const directory = new MemberDirectory(
      { homeMember: undefined, refreshMs: 1000, answerMs: 200 },
      { queries, tracker, clock: time },
    );
    const targets = new ReadTargets(
      { preference: "spread", homeMember: undefined, learners: false, avoidMs: 500 },
      { directory, tracker, clock: time },
    );
    const timeoutCause = new TimeoutCause({ electionTimeoutMs: 1000 }, { tracker, transport, clock: time });
    this.#proposer = new Proposer(
      { gateway: options.id, batchesInFlightMax: 2, queue: QUEUE, deposedGraceMs: 1000, backOff: BACK_OFF },
      { ...shared, tracker, timeoutCause },
    );
    this.#reader = new Reader(
      {
        question: LINEARIZABLE_READ,
        batchesInFlightMax: 4,
        queue: QUEUE,
        attemptMs: 300,
        attemptMsMax: 1000,
        backOff: BACK_OFF,
      },
      { ...shared, targets },
    );
    this.#leaseReader = new Reader(
      {
        question: LEASE_QUERY,
        batchesInFlightMax: 4,
        queue: QUEUE,
        attemptMs: 300,
        attemptMsMax: 1000,
        backOff: BACK_OFF,
      },
      { ...shared, targets: new LeaderTarget(tracker) },
    );
  }

  write(command: RawCommand & { readonly kind: WriteKind }, reply: (outcome: CallOutcome) => void): void {
    this.#proposer.tell(new PendingCall({ ...command, ...this.#span(), reply }));
  }

  read(read: RawRead, reply: (outcome: CallOutcome) => void): void {
    this.#reader.tell(new PendingCall({ ...read, ...this.#span(), reply }));
  }

  askLease(query: RawLeaseQuery, reply: (outcome: CallOutcome) => void): void {
    this.#leaseReader.tell(new PendingCall({ ...query, ...this.#span(), reply }));
  }

  #span(): { startedAt: number; deadline: number } {
    const startedAt = this.dependencies.time.now();
    return { startedAt, deadline: startedAt + this.options.timeoutMs };
  }
}
