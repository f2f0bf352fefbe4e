import { assertNever, invariant } from "@quorate/base";
import type { LeaseId, LeaseRecord } from "@quorate/lease";
import {
  checkCompact,
  checkHash,
  checkPut,
  checkRange,
  checkTxn,
  choosePath,
  compactEvents,
  EventRecorder,
  isReadOnlyTxn,
  KeyValueHash,
  range,
  rangeSlice,
  type RangeBudget,
  runTxn,
  WriteSession,
  type CompactionProgress,
  type HashRun,
  type PutRequest,
  type RangeRequest,
  type Revision,
  type TxnRequest,
  type TxnStore,
} from "@quorate/mvcc";
import { Alarms } from "./alarms";
import { CLUSTER_VERSION_MAX } from "./cluster-version";
import { chainEffects, type EntryEffects } from "./effect-hash";
import { checkpointLeases, expireLease, grantLease, revokeLease, type LeaseStore } from "./lease-commands";
import { encodeLeaseChanges, LeaseSession } from "./lease-session";
import { storedLeaseKeys, storedLeases } from "./leases";
import type { Membership } from "./membership/membership";
import { loadMembership } from "./membership/membership-row";
import { MembershipSession } from "./membership/membership-session";
import {
  checkFormat,
  loadCompaction,
  loadPosition,
  loadStoredBytes,
  storeCompaction,
  storeFormat,
  storePosition,
  storeStoredBytes,
} from "./meta-rows";
import { pointKeysOf } from "./point-keys";
import { StoreHash } from "./store-hash";
import { countStoredBytes } from "./stored-bytes";
import type {
  AppliedPosition,
  ApplyResult,
  Command,
  CommandOutcome,
  CommittedEntry,
  ReadCommand,
  ReadOutcome,
  StateBatch,
  KeyValueHashStart,
  StateError,
  StateView,
  StoreCondition,
} from "./types";

export interface StateMachineOptions {
  /** Bytes after which the events of a batch are cut into another row. Default 1 MiB; a single event may be larger. */
  readonly eventRowBytesMax?: number;
  /** What this build can apply. Default: {@link CLUSTER_VERSION_MAX}. */
  readonly clusterVersionMax?: number;
}

export interface StateMachineDependencies {
  /** The store as it is now. What `apply` and `compactStep` put into a batch must show here before the next call. */
  readonly view: StateView;
}

/**
 * Applies committed commands to the store: the one place where replicated state changes.
 *
 * Deterministic: the same entries give the same state, outcomes, events and effect hash on every member, however they
 * are split into batches. Whatever can fail is checked before the first change of a command.
 */
export class StateMachine {
  readonly #view: StateView;
  readonly #recorder: EventRecorder;
  readonly #alarms: Alarms;
  #storedBytes: number;
  #position: AppliedPosition;
  #compaction: CompactionProgress;
  #membership: Membership;
  readonly #clusterVersionMax: number;
  #saysFormat: boolean;

  /** @throws {UnsupportedVersionError} a newer build wrote the store, or its cluster is at a newer version. */
  constructor(options: StateMachineOptions, dependencies: StateMachineDependencies) {
    this.#view = dependencies.view;
    this.#clusterVersionMax = options.clusterVersionMax ?? CLUSTER_VERSION_MAX;
    this.#saysFormat = checkFormat(this.#view);
    this.#recorder = new EventRecorder({ rowBytesMax: options.eventRowBytesMax ?? 1 << 20 });
    this.#position = loadPosition(this.#view);
    this.#compaction = loadCompaction(this.#view);
    this.#alarms = new Alarms(this.#view);
    // A store from before sizes were kept is counted once, at its first opening.
    this.#storedBytes = loadStoredBytes(this.#view) ?? countStoredBytes(this.#view);
    this.#membership = loadMembership(this.#view, this.#clusterVersionMax);
  }

  /** The membership as of `position`. */
  get membership(): Membership {
    return this.#membership;
  }

  /** Where the store stands once the last filled batch is written. */
  get position(): AppliedPosition {
    return this.#position;
  }

  /** Likewise. */
  get condition(): StoreCondition {
    return { storedBytes: this.#storedBytes, alarms: this.#alarms.active };
  }

  /**
   * Applies entries and fills `batch` with what changes, the new position included. Entries that are applied already
   * are skipped with empty outcomes: replay after a restart is harmless.
   *
   * Keys of requests are kept by the events, values are copied. One lookup in the store for all keys that are put.
   *
   * @throws {UnsupportedVersionError} an entry raises the cluster version above what this build can apply. Write nothing then.
   */
  apply(entries: readonly CommittedEntry[], batch: StateBatch): ApplyResult {
    const first = entries.findIndex((entry) => entry.index > this.#position.index);
    if (first === -1) return { outcomes: entries.map(() => []), events: [], leases: [], effectHashes: [] };

    const fresh = entries.slice(first);
    const leases = new LeaseSession(this.#view);
    const session = new WriteSession(this.#position, {
      view: this.#view,
      recorder: this.#recorder,
      attachments: leases,
    });
    const membership = new MembershipSession(this.#membership, this.#clusterVersionMax);
    session.prefetch(pointKeysOf(fresh));
    const outcomes: (readonly CommandOutcome[])[] = entries.slice(0, first).map(() => []);
    const effectHashes: number[] = [];
    let position = this.#position;
    for (const entry of fresh) {
      invariant(entry.index === position.index + 1, "entries are applied without a gap", {
        applied: position.index,
        index: entry.index,
      });
      const eventsFrom = this.#recorder.length;
      const leasesFrom = leases.changes.length;
      const alarmsFrom = this.#alarms.changeCount;
      const store = { session, leases, membership, entry, alarms: this.#alarms };
      const entryOutcomes = entry.commands.map((command) => run(store, command));
      outcomes.push(entryOutcomes);
      position = positionAfter(position, entry, session, {
        outcomes: entryOutcomes,
        events: this.#recorder.encoded(eventsFrom),
        leases: encodeLeaseChanges(leases.changes.slice(leasesFrom)),
        alarms: this.#alarms.encodedChanges(alarmsFrom),
        membership: membership.takeEffects(),
      });
      effectHashes.push(position.effectHash);
    }
    this.#storedBytes += session.flush(batch) + leases.flush(batch);
    this.#alarms.flush(batch);
    storeStoredBytes(batch, this.#storedBytes);
    membership.flush(batch);
    this.#storeFormatOnce(batch);
    storePosition(batch, position);
    this.#position = position;
    this.#membership = membership.membership;
    const result = { outcomes, events: session.events, leases: leases.changes, effectHashes };
    return membership.reported === undefined ? result : { ...result, membership: membership.reported };
  }

  /** Puts the position into `batch` as it stands already: what a synced batch can consist of. */
  storePosition(batch: StateBatch): void {
    storePosition(batch, this.#position);
  }

  /**
   * Answers from the store at the current position. What is returned may be kept.
   *
   * @param budget For slices; what they read is taken off. Unlimited unless given.
   */
  read(command: ReadCommand, budget: RangeBudget = unlimited()): ReadOutcome {
    switch (command.kind) {
      case "slice":
        return this.#slice(command.request, budget);
      case "range":
      case "page":
        return this.#range(command.request, command.kind === "range");
      case "txn":
        return this.#readTxn(command.request);
      case "leases": {
        // The oldest grant first; etcd's is the one that ends first, which only a leader would know here.
        const ids = [...this.leases()].sort((a, b) => a.sequence - b.sequence).map(({ id }) => id);
        return { ok: true, kind: "leases", response: { revision: this.#position.revision, ids } };
      }
      case "alarms": {
        const alarms = this.#alarms.ofType(command.type);
        return { ok: true, kind: "alarms", response: { revision: this.#position.revision, alarms } };
      }
      default:
        return assertNever(command);
    }
  }

  /** Every lease at the current position, in no order that means anything. O(leases). */
  leases(): readonly LeaseRecord[] {
    return storedLeases(this.#view);
  }

  /** The keys attached to a lease at the current position, ascending; none if there is no such lease. */
  leaseKeys(id: LeaseId): readonly Uint8Array[] {
    return storedLeaseKeys(this.#view, id);
  }

  /**
   * Begins to hash what can be read up to `revision`, as the store is now; see {@link KeyValueHash}. What is applied or
   * compacted meanwhile does not show.
   *
   * @param revision 0: the current one.
   */
  hashKv(revision: Revision): KeyValueHashStart {
    const at = this.#position;
    const error = checkHash(revision, at);
    if (error !== undefined) return { ok: false, error };
    const upTo = revision === 0 ? at.revision : revision;
    return { ok: true, at, upTo, run: new KeyValueHash(this.#view, upTo, at.compactRevision) };
  }

  /**
   * Begins to hash all key-values as they can be read at `revision`, likewise. Unlike HashKV it does not begin with the compact
   * revision, so that it covers every row that a read at `revision` depends on, and no other.
   */
  hashState(revision: Revision): KeyValueHashStart {
    const at = this.#position;
    const error = checkHash(revision, at);
    if (error !== undefined) return { ok: false, error };
    const upTo = revision === 0 ? at.revision : revision;
    return { ok: true, at, upTo, run: new KeyValueHash(this.#view, upTo, upTo) };
  }

  /** Begins to hash every row of this member, likewise. */
  hash(): HashRun {
    return new StoreHash(this.#view);
  }

  /** Everything superseded at or before it is deleted on this member; -1 at first. */
  get physicallyCompacted(): Revision {
    return this.#compaction.done;
  }

  /**
   * Does a part of the physical compaction: fills `batch` with deletions and a mark of how far it got, from which
   * another process can go on. Local and not replicated: no read can tell.
   *
   * @param budget Events to look at and rows to delete, 1 or more; see `compactEvents`.
   * @returns Whether more is left.
   */
  compactStep(batch: StateBatch, budget: number): boolean {
    invariant(budget >= 1, "a compaction step may delete something", { budget });
    const { compactRevision } = this.#position;
    if (this.#compaction.done >= compactRevision) return false;
    const step = compactEvents(this.#view, batch, this.#compaction, compactRevision, budget);
    this.#compaction = step.progress;
    this.#storedBytes -= step.freedBytes;
    storeCompaction(batch, this.#compaction);
    storeStoredBytes(batch, this.#storedBytes);
    return this.#compaction.done < compactRevision;
  }

  #storeFormatOnce(batch: StateBatch): void {
    if (this.#saysFormat) return;
    storeFormat(batch);
    this.#saysFormat = true;
  }

  #range(request: RangeRequest, counting: boolean): ReadOutcome {
    const error = checkRange(request, this.#position);
    if (error !== undefined) return { ok: false, error };
    const response = range(this.#view, request, this.#position.revision, counting);
    return { ok: true, kind: "range", response };
  }

  #slice(request: RangeRequest, budget: RangeBudget): ReadOutcome {
    const error = checkRange(request, this.#position);
    if (error !== undefined) return { ok: false, error };
    const slice = rangeSlice(this.#view, request, this.#position.revision, budget);
    if ("error" in slice) return { ok: false, error: slice.error };
    const { response, next } = slice;
    return next === undefined
      ? { ok: true, kind: "range", response }
      : { ok: true, kind: "range", response, next };
  }

  #readTxn(txn: TxnRequest): ReadOutcome {
    invariant(isReadOnlyTxn(txn), "a transaction that may write goes through the log");
    const { revision } = this.#position;
    const path = choosePath(this.#view, txn, revision);
    const error = checkTxn(this.#view, txn, path, this.#position, new LeaseSession(this.#view));
    if (error !== undefined) return { ok: false, error };
    return { ok: true, kind: "txn", response: runTxn(readOnly(this.#view, revision), txn, path) };
  }
}

/** What a command runs on, inside one revision of `session`. */
interface CommandStore extends LeaseStore {
  readonly alarms: Alarms;
  readonly membership: MembershipSession;
}

function unlimited(): RangeBudget {
  return { bytes: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
}

function run(store: CommandStore, command: Command): CommandOutcome {
  if (command.kind === "membership") return store.membership.run(command.request); // takes no revision
  const refusal = store.alarms.refusalOf(command, store.membership.membership);
  if (refusal !== undefined) return failed(refusal);
  store.session.begin();
  const outcome = runBegun(store, command);
  store.session.end();
  return outcome;
}

function runBegun(store: CommandStore, command: Exclude<Command, { kind: "membership" }>): CommandOutcome {
  const { session } = store;
  switch (command.kind) {
    case "put":
      return runPut(store, command.request);
    case "delete-range":
      return { ok: true, response: { kind: "delete-range", response: session.deleteRange(command.request) } };
    case "txn":
      return runWriteTxn(store, command.request);
    case "compact":
      return runCompact(session, command.request.revision);
    case "lease-grant":
      return grantLease(store, command.request);
    case "lease-revoke":
      return revokeLease(store, command.request);
    case "lease-expire":
      return expireLease(store, command.request);
    case "lease-checkpoint":
      return checkpointLeases(store, command.request);
    case "alarm": {
      const alarms = store.alarms.change(command.request);
      return { ok: true, response: { kind: "alarm", response: { revision: session.revision, alarms } } };
    }
    default:
      return assertNever(command);
  }
}

function runPut({ session, leases }: LeaseStore, request: PutRequest): CommandOutcome {
  const error = checkPut(session.view, request, leases);
  if (error !== undefined) return failed(error);
  return { ok: true, response: { kind: "put", response: session.put(request) } };
}

function runWriteTxn({ session, leases }: LeaseStore, txn: TxnRequest): CommandOutcome {
  const path = choosePath(session.view, txn, session.revision);
  const error = checkTxn(session.view, txn, path, session, leases);
  if (error !== undefined) return failed(error);
  return { ok: true, response: { kind: "txn", response: runTxn(session, txn, path) } };
}

function runCompact(session: WriteSession, revision: Revision): CommandOutcome {
  const error = checkCompact(revision, session);
  if (error !== undefined) return failed(error);
  session.compact(revision);
  return { ok: true, response: { kind: "compact", response: { revision: session.revision } } };
}

function failed(error: StateError): CommandOutcome {
  return { ok: false, error };
}

function positionAfter(
  before: AppliedPosition,
  entry: CommittedEntry,
  session: WriteSession,
  effects: Omit<EntryEffects, "index" | "revision" | "compactRevision">,
): AppliedPosition {
  const { revision, compactRevision } = session;
  const place = { index: entry.index, revision, compactRevision };
  const effectHash = chainEffects(before.effectHash, { ...place, ...effects });
  return { index: entry.index, term: entry.term, revision, compactRevision, effectHash };
}

function readOnly(view: StateView, visibleRevision: Revision): TxnStore {
  const refuse = (): never => invariant(false, "a read-only transaction changes nothing") as never;
  return { view, visibleRevision, put: refuse, deleteRange: refuse };
}
