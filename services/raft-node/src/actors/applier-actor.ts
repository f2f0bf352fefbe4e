import type { Actor, ActorRef } from "@quorate/actor";
import { assertNever, type Clock } from "@quorate/base";
import type { LeaseId, LeaseRecord } from "@quorate/lease";
import type { Event, RangeBudget, Revision } from "@quorate/mvcc";
import type { Entry, LogIndex, MemberId, Term } from "@quorate/raft";
import {
  UnsupportedVersionError,
  type AppliedPosition,
  type Command,
  type CommandOutcome,
  type CommittedEntry,
  type LeaseChange,
  type Membership,
  type StateColumn,
  type StoreCondition,
} from "@quorate/state-machine";
import type { KeyValueBatch } from "@quorate/storage";
import {
  decodeCommandBatch,
  DecodeError,
  decodeHistoryRequest,
  decodeMembershipEntry,
  decodeRead,
  decodeReadRequest,
  encodeFeedBatch,
  encodeProposeResponse,
  encodeReadResponse,
  ResponseEncoder,
  type MaintenanceQuery,
  type RawRead,
  type Result,
} from "@quorate/wire";
import type { Owed } from "../proposals";
import { BackgroundWork, type BackgroundWorkOptions } from "../background-work";
import { encodeHistory, withPrevious } from "../history";
import { Scrub, type ScrubReport } from "../integrity/scrub";
import { StatePass } from "../integrity/state-pass";
import { encodeOutcome, encodeRead } from "../results";
import type { AppliedState } from "../snapshot/applied-state";
import type { SnapshotLane } from "../snapshot/snapshot-lane";
import type { SnapshotMessage, SnapshotReport } from "../snapshot/snapshot-messages";

export type ApplierMessage =
  /** `answered`: the entries for which this member owes an answer; the others are applied without encoding one. */
  | {
      readonly kind: "apply";
      readonly raftTerm: Term;
      readonly entries: readonly Entry[];
      readonly answered: readonly Owed[];
    }
  /** An encoded ReadRequest, to be answered from one view once everything up to `minIndex` is applied. */
  | {
      readonly kind: "read";
      readonly id: number;
      readonly minIndex: LogIndex;
      readonly raftTerm: Term;
      readonly request: Uint8Array;
    }
  /** Every lease, for the leader of `term`, once everything up to `minIndex` is applied. */
  | { readonly kind: "lease-list"; readonly term: Term; readonly minIndex: LogIndex }
  /** The keys attached to a lease. */
  | {
      readonly kind: "lease-keys";
      readonly id: number;
      readonly lease: LeaseId;
      readonly minIndex: LogIndex;
    }
  /** How what is applied from now on is also reported as "feed". */
  | { readonly kind: "feed"; readonly mode: FeedMode }
  /** An encoded HistoryRequest. */
  | { readonly kind: "history"; readonly id: number; readonly request: Uint8Array }
  /** Answered when it is done, by the state as it is when it begins. */
  | {
      readonly kind: "maintenance";
      readonly id: number;
      readonly raftTerm: Term;
      readonly query: MaintenanceQuery;
      /** Later nobody waits any more. */
      readonly timeoutMs: number;
    }
  | SnapshotMessage;

/** An encoded ProposeResponse for the entry at `index`, which was applied with `term`. */
export interface Answer {
  readonly index: LogIndex;
  readonly term: Term;
  readonly response: Uint8Array;
}

export type ApplierReport =
  /** `leases`: what happened to leases since the last report. */
  | {
      readonly kind: "applied";
      readonly position: AppliedPosition;
      readonly databaseBytes: number;
      readonly condition: StoreCondition;
      readonly leases: readonly LeaseChange[];
      /** The effect hash after each entry since the last report, up to `position`. */
      readonly effectHashes: readonly number[];
      /** The membership as of `position`, if something since the last report was about it. */
      readonly membership?: Membership;
    }
  /** Everything up to `index` survives a power loss. */
  | { readonly kind: "applied-durably"; readonly index: LogIndex }
  | { readonly kind: "answers"; readonly answers: readonly Answer[] }
  | { readonly kind: "read-result"; readonly id: number; readonly response: Uint8Array }
  /** As of the `applied` report before it. */
  | { readonly kind: "lease-list"; readonly term: Term; readonly leases: readonly LeaseRecord[] }
  | { readonly kind: "lease-keys"; readonly id: number; readonly keys: readonly Uint8Array[] }
  | FeedReport
  | CompactionReport
  | MaintenanceReport
  | ScrubReport
  | SnapshotReport;

/** A step of physical compaction has given bytes back. */
export interface CompactionReport {
  readonly kind: "store-compacted";
  readonly condition: StoreCondition;
}

/** An encoded ReadResponse with one result. */
export interface MaintenanceReport {
  readonly kind: "maintenance-result";
  readonly id: number;
  readonly response: Uint8Array;
}

/** "bare": only how far the store has come, without the events. */
export type FeedMode = "off" | "bare" | "full";

/** What watchers live on. Batches are reported before the "applied" that counts them in. */
export type FeedReport =
  /** An encoded FeedBatch that ends at `revision`. */
  | { readonly kind: "feed"; readonly revision: Revision; readonly batch: Uint8Array }
  | { readonly kind: "history-result"; readonly id: number; readonly response: Uint8Array };

export interface ApplierOptions {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly background: BackgroundWorkOptions;
  /** Entries, and bytes of them, after which what is applied is synced, so that the log before it may go. */
  readonly syncEntries: number;
  readonly syncBytes: number;
  /** Bytes of answers, and rows read or counted, that the ranges of one ReadRequest may come to, so that applying goes on. */
  readonly sliceBytesMax: number;
  readonly sliceRowsMax: number;
  /** Within how many milliseconds every row is read once; `undefined`: only when it is needed. */
  readonly scrubIntervalMs?: number | undefined;
}

export interface ApplierDependencies {
  readonly state: AppliedState;
  readonly snapshots: SnapshotLane;
  readonly reports: ActorRef<ApplierReport>;
  readonly clock: Clock;
}

type ApplyMessage = Extract<ApplierMessage, { kind: "apply" }>;
type HistoryMessage = Extract<ApplierMessage, { kind: "history" }>;
type ReadMessage = Extract<ApplierMessage, { kind: "read" | "lease-list" | "lease-keys" }>;

/** How often the size on disk is asked of the engine: it is a property call, and nobody needs it fresher. */
const DATABASE_SIZE_EVERY_MS = 1000;

/**
 * The apply lane: committed entries become one write batch per turn (changes and applied index together), then reads that
 * waited for them are answered from the state as it then stands.
 */
export class ApplierActor implements Actor<ApplierMessage> {
  #batch: KeyValueBatch<StateColumn>;
  readonly #encoder: ResponseEncoder;
  #applies: ApplyMessage[] = [];
  #reads: ReadMessage[] = [];
  #histories: HistoryMessage[] = [];
  #feedMode: FeedMode = "off";
  readonly #background: BackgroundWork;
  readonly #scrub: Scrub | undefined;
  #unsyncedEntries = 0;
  #unsyncedBytes = 0;
  #databaseBytes = 0;
  #databaseBytesAt = -Infinity;

  constructor(
    private readonly options: ApplierOptions,
    private readonly dependencies: ApplierDependencies,
  ) {
    this.#batch = dependencies.state.store.batch();
    this.#encoder = new ResponseEncoder(options);
    this.#background = new BackgroundWork(options.background, { ...dependencies, encoder: this.#encoder });
    const { state } = dependencies;
    if (options.scrubIntervalMs === undefined) return;
    this.#scrub = new Scrub(
      { database: "state", intervalMs: options.scrubIntervalMs },
      {
        ...dependencies,
        begin: () => new StatePass(state.store),
        bytes: () => state.stateMachine.condition.storedBytes,
      },
    );
  }

  receive(message: ApplierMessage): void {
    switch (message.kind) {
      case "apply":
        this.#applies.push(message);
        return;
      case "read":
      case "lease-list":
      case "lease-keys":
        this.#reads.push(message);
        return;
      case "feed":
        this.#feedMode = message.mode;
        return;
      case "history":
        this.#histories.push(message);
        return;
      case "maintenance":
        this.#background.ask(message);
        return;
      case "snapshot-install":
        this.#applies = []; // what was handed over before is part of it
        this.#background.pause();
        this.#scrub?.pause();
        return this.dependencies.snapshots.receive(message, () => this.#installed());
      case "snapshot-open":
      case "snapshot-close":
      case "snapshot-read":
      case "snapshot-stage":
      case "snapshot-write":
      case "snapshot-discard":
      case "backup-read":
      case "backup-close":
        return this.dependencies.snapshots.receive(message, () => this.#installed());
      default:
        assertNever(message);
    }
  }

  turnEnded(): void {
    if (this.dependencies.snapshots.installing) return;
    if (this.#applies.length > 0) this.#apply();
    if (this.#reads.length > 0) this.#answerReads();
    if (this.#histories.length > 0) this.#answerHistories();
  }

  /** The state is another one. What waits is served from it, in a turn of its own if it took long to open. */
  #installed(): void {
    this.#batch = this.dependencies.state.store.batch();
    this.#unsyncedEntries = 0;
    this.#unsyncedBytes = 0;
    this.#background.resume();
    this.#scrub?.resume();
    this.dependencies.clock.setTimer(0, () => this.turnEnded());
  }

  #apply(): void {
    const { reports } = this.dependencies;
    const { stateMachine } = this.dependencies.state;
    const messages = this.#applies;
    this.#applies = [];
    const entries = messages.flatMap((message) => message.entries.map(committedEntry));
    const before = stateMachine.position;
    const result = stateMachine.apply(entries, this.#batch);
    this.#batch.write({ sync: false });
    const answers = this.#answers(messages, entries, result.outcomes);
    // Answers first: a client waits for them; `applied` is bookkeeping.
    if (answers.length > 0) reports.tell({ kind: "answers", answers });
    if (this.#feedMode !== "off") this.#feed(before, result.events, messages.at(-1)!.raftTerm);
    const { position, condition } = stateMachine;
    const { leases, membership, effectHashes } = result;
    const databaseBytes = this.#sizeOnDisk();
    const report = { kind: "applied", position, databaseBytes, condition, leases, effectHashes } as const;
    reports.tell(membership === undefined ? report : { ...report, membership });
    this.#unsyncedEntries += entries.length;
    for (const { entries: applied } of messages)
      for (const { data } of applied) this.#unsyncedBytes += data.length;
    const { syncEntries, syncBytes } = this.options;
    if (this.#unsyncedEntries >= syncEntries || this.#unsyncedBytes >= syncBytes) this.#sync();
  }

  /** Writes the position once more: a synced batch takes all before it along. Last, since it takes what the disk takes. */
  #sync(): void {
    const { state, reports } = this.dependencies;
    state.stateMachine.storePosition(this.#batch);
    this.#batch.write({ sync: true });
    this.#unsyncedEntries = 0;
    this.#unsyncedBytes = 0;
    reports.tell({ kind: "applied-durably", index: state.stateMachine.position.index as LogIndex });
  }

  /** Encoded once, however many fan-outs and watchers there are. */
  #feed(before: AppliedPosition, events: readonly Event[], term: Term): void {
    const { reports } = this.dependencies;
    const { stateMachine, store } = this.dependencies.state;
    const { revision, compactRevision } = stateMachine.position;
    if (revision === before.revision && compactRevision === before.compactRevision) return;
    const bare = this.#feedMode === "bare";
    const head = { prevRevision: before.revision, revision, compactRevision, term, bare };
    const batch = encodeFeedBatch(head, bare ? [] : withPrevious(store, events, compactRevision));
    reports.tell({ kind: "feed", revision, batch });
  }

  #answerHistories(): void {
    const { reports } = this.dependencies;
    const { stateMachine, store } = this.dependencies.state;
    const histories = this.#histories;
    this.#histories = [];
    for (const { id, request } of histories) {
      const response = encodeHistory(store, decodeHistoryRequest(request), stateMachine.position);
      reports.tell({ kind: "history-result", id, response });
    }
  }

  #answers(
    messages: readonly ApplyMessage[],
    entries: readonly CommittedEntry[],
    outcomes: readonly (readonly CommandOutcome[])[],
  ): Answer[] {
    const now: Answer[] = [];
    let at = 0;
    for (const message of messages) {
      const answered = new Map(message.answered.map(({ index, answerAs }) => [index, answerAs]));
      for (const entry of message.entries) {
        const { commands } = entries[at]!;
        if (commands.some((command) => command.kind === "compact")) this.#background.compact();
        if (answered.has(entry.index)) {
          const encoder = this.#encoder.as(answered.get(entry.index));
          now.push(answerOf(encoder, entry, outcomes[at]!, message.raftTerm));
        }
        at += 1;
      }
    }
    return now;
  }

  #answerReads(): void {
    const { state, reports } = this.dependencies;
    const applied = state.stateMachine.position.index;
    const waiting: ReadMessage[] = [];
    for (const read of this.#reads) {
      if (read.minIndex > applied) waiting.push(read);
      else reports.tell(this.#read(read));
    }
    this.#reads = waiting;
  }

  #read(message: ReadMessage): ApplierReport {
    const { stateMachine } = this.dependencies.state;
    switch (message.kind) {
      case "read": {
        const { reads, answerAs } = decodeReadRequest(message.request);
        const encoder = this.#encoder.as(answerAs);
        const { sliceBytesMax: bytes, sliceRowsMax: rows } = this.options;
        const budget: RangeBudget = { bytes, rows };
        const results = reads.map((read) => this.#result(read, encoder, message.raftTerm, budget));
        return {
          kind: "read-result",
          id: message.id,
          response: encodeReadResponse({ kind: "results", results }),
        };
      }
      case "lease-list":
        return { kind: "lease-list", term: message.term, leases: stateMachine.leases() };
      case "lease-keys":
        return { kind: "lease-keys", id: message.id, keys: stateMachine.leaseKeys(message.lease) };
      default:
        return assertNever(message);
    }
  }

  #result(read: RawRead, encoder: ResponseEncoder, raftTerm: Term, budget: RangeBudget): Result {
    try {
      const outcome = this.dependencies.state.stateMachine.read(decodeRead(read), budget);
      return encodeRead(encoder, outcome, raftTerm);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { ok: false, failure: { code: "internal", detail: error.message } };
    }
  }

  #sizeOnDisk(): number {
    const now = this.dependencies.clock.now();
    if (now - this.#databaseBytesAt >= DATABASE_SIZE_EVERY_MS) {
      this.#databaseBytesAt = now;
      this.#databaseBytes = this.dependencies.state.store.sizeBytes();
    }
    return this.#databaseBytes;
  }
}

function answerOf(
  encoder: ResponseEncoder,
  { index, term }: Entry,
  outcomes: readonly CommandOutcome[],
  raftTerm: Term,
): Answer {
  const results = outcomes.map((outcome) => encodeOutcome(encoder, outcome, raftTerm));
  return { index, term, response: encodeProposeResponse({ kind: "results", results }) };
}

/**
 * An entry whose payload cannot be decoded changes nothing, on every member alike: it has the same bytes everywhere. Its
 * proposer is told by the empty list of results. One of an unknown kind is another matter: newer members can apply it.
 *
 * @throws {UnsupportedVersionError} the entry is of a kind that only newer builds know.
 */
function committedEntry(entry: Entry): CommittedEntry {
  return {
    index: entry.index,
    term: entry.term,
    commands: commandsOf(entry),
  };
}

function commandsOf(entry: Entry): readonly Command[] {
  try {
    switch (entry.type) {
      case "command":
        return decodeCommandBatch(entry.data);
      case "configuration":
        return [{ kind: "membership", request: decodeMembershipEntry(entry.data) }];
      case "empty":
        return [];
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (!error.unknownKind) return [];
    throw new UnsupportedVersionError(
      `Entry ${entry.index} can be applied by a newer build only (${error.message}). Nothing was changed. Start the newer ` +
        "build that the other members run",
    );
  }
}
