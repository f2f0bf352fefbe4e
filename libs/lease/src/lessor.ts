import { invariant } from "@quorate/base";
import { DeadlineHeap } from "./deadline-heap";
import { spreadDeadlines } from "./spread";
import type { LeaseCheckpoint, LeaseId, LeaseRecord } from "./types";

export interface LessorOptions {
  /** The minimum election timeout in milliseconds: what every lease is given on top when a leader begins. */
  readonly electionTimeoutMs: number;
  /** How often the rest of a long lease is noted, in milliseconds, and how long the rest must be for that. */
  readonly checkpointEveryMs: number;
  /** After a change of leader at most so many leases end in one second. */
  readonly expiriesPerSecondMax: number;
}

/** etcd spreads at most 750 expiries a second; it does without checkpoints unless told. */
export const LESSOR_DEFAULTS = { checkpointEveryMs: 60_000, expiriesPerSecondMax: 750 } as const;

/** A lease in the eyes of the leader. */
export interface LeaseView {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  readonly sequence: number;
  /** When it ends unless it is renewed, on the clock that the lessor is told. */
  readonly deadline: number;
  /** Whether a rest is noted, or about to be: then a renewal must take that back before anyone is told of it. */
  readonly checkpointed: boolean;
}

interface Lease extends LeaseView {
  deadline: number;
  checkpointed: boolean;
  /** When its rest is to be noted next. */
  checkpointAt: number;
  awaitsDeadline: boolean;
  awaitsCheckpoint: boolean;
  ended: boolean;
}

/** Below this many ended leases a heap is not tidied up. */
const ENDED_KEPT_MAX = 1000;

/**
 * When leases end: kept by the leader only, in memory, on a monotonic clock in milliseconds that every call is told.
 *
 * Invariants:
 * - A deadline only ever moves to later: nothing that this lessor was told can make a lease end before its TTL, counted
 *   from the grant or from its last renewal.
 * - Without `promote` there are no deadlines, and after `demote` none are left.
 */
export class Lessor {
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #deadlines = new DeadlineHeap<Lease>();
  readonly #checkpoints = new DeadlineHeap<Lease>();
  #primary = false;

  constructor(private readonly options: LessorOptions) {}

  /** Whether this lessor decides about expiries. */
  get primary(): boolean {
    return this.#primary;
  }

  get size(): number {
    return this.#leases.size;
  }

  /**
   * Takes over from another leader: every lease gets its full TTL, or the rest that was noted of it, and the election
   * timeout on top, for nobody could renew it while there was no leader. O(n log n).
   *
   * @param now When this leader was ready to take renewals.
   */
  promote(records: readonly LeaseRecord[], now: number): void {
    invariant(!this.#primary, "a lessor is promoted once per leadership");
    this.#primary = true;
    const rest = ({ remainingSeconds, ttlSeconds }: LeaseRecord): number => remainingSeconds || ttlSeconds;
    const ordered = [...records].sort((a, b) => rest(a) - rest(b));
    const refreshed = now + this.options.electionTimeoutMs;
    const deadlines = spreadDeadlines(
      ordered.map((record) => refreshed + rest(record) * 1000),
      this.options.expiriesPerSecondMax,
    );
    for (const [at, record] of ordered.entries()) this.#add(record, deadlines[at]!, now);
  }

  /** Forgets everything. */
  demote(): void {
    this.#primary = false;
    this.#leases.clear();
    this.#deadlines.clear();
    this.#checkpoints.clear();
  }

  find(id: LeaseId): LeaseView | undefined {
    return this.#leases.get(id);
  }

  /** A lease was granted, as of `now`. */
  grant(record: LeaseRecord, now: number): void {
    if (!this.#primary) return;
    this.end(record.id);
    this.#add(record, now + record.ttlSeconds * 1000, now);
  }

  /** A lease was revoked or has expired. Unknown ones are none. */
  end(id: LeaseId): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.ended = true;
    this.#leases.delete(id);
    for (const heap of [this.#deadlines, this.#checkpoints]) {
      // Ended leases leave a heap only when their time comes, which may be years away.
      if (heap.size > 2 * this.#leases.size + ENDED_KEPT_MAX) heap.retain((item) => !item.ended);
    }
  }

  /** Begins the TTL anew. @returns false if there is no such lease. O(1). */
  renew(id: LeaseId, now: number): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    lease.deadline = Math.max(lease.deadline, now + lease.ttlSeconds * 1000);
    this.#scheduleCheckpoint(lease, now);
    return true;
  }

  /** What was noted of the rest is taken back, for everyone to see. */
  checkpointCleared(id: LeaseId): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined) lease.checkpointed = false;
  }

  /**
   * At most `countMax` leases whose deadline is `now` or earlier, the earliest first. Each is handed out once: whoever
   * takes it sees to its end, or hands it back with `postpone`.
   */
  takeExpired(now: number, countMax: number): LeaseView[] {
    const expired: LeaseView[] = [];
    while (expired.length < countMax) {
      const due = this.#deadlines.popDue(now);
      if (due === undefined) break;
      const lease = due.item;
      lease.awaitsDeadline = false;
      if (lease.ended) continue;
      // Renewed since it was put in: its turn is later, even if that has come as well.
      if (lease.deadline > due.at) this.#awaitDeadline(lease);
      else expired.push(lease);
    }
    return expired;
  }

  /** What `takeExpired` handed out did not end: it is due again, or was renewed meanwhile. */
  postpone(id: LeaseId): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined) this.#awaitDeadline(lease);
  }

  /** At most `countMax` long leases whose rest is to be noted now; they count as noted from here on. */
  takeCheckpoints(now: number, countMax: number): LeaseCheckpoint[] {
    const { checkpointEveryMs } = this.options;
    const due: LeaseCheckpoint[] = [];
    while (due.length < countMax) {
      const lease = this.#checkpoints.popDue(now)?.item;
      if (lease === undefined) break;
      lease.awaitsCheckpoint = false;
      if (lease.ended) continue;
      const remainingMs = lease.deadline - now;
      if (lease.checkpointAt <= now && remainingMs > checkpointEveryMs) {
        // Rounded up: the next leader may let it live longer, never shorter.
        due.push({ id: lease.id, sequence: lease.sequence, remainingSeconds: Math.ceil(remainingMs / 1000) });
        lease.checkpointed = true;
        lease.checkpointAt = now + checkpointEveryMs;
      }
      this.#awaitCheckpoint(lease);
    }
    return due;
  }

  #add(record: LeaseRecord, deadline: number, now: number): void {
    const { id, ttlSeconds, sequence, remainingSeconds } = record;
    invariant(!this.#leases.has(id), "a lease is added once", { id });
    const lease: Lease = {
      id,
      ttlSeconds,
      sequence,
      deadline,
      checkpointed: remainingSeconds > 0,
      checkpointAt: 0,
      awaitsDeadline: false,
      awaitsCheckpoint: false,
      ended: false,
    };
    this.#leases.set(id, lease);
    this.#awaitDeadline(lease);
    this.#scheduleCheckpoint(lease, now);
  }

  #awaitDeadline(lease: Lease): void {
    if (lease.awaitsDeadline) return;
    lease.awaitsDeadline = true;
    this.#deadlines.push(lease.deadline, lease);
  }

  #scheduleCheckpoint(lease: Lease, now: number): void {
    lease.checkpointAt = now + this.options.checkpointEveryMs;
    this.#awaitCheckpoint(lease);
  }

  /** Leases with little left are not noted any more, until a renewal. */
  #awaitCheckpoint(lease: Lease): void {
    if (lease.awaitsCheckpoint || lease.deadline - lease.checkpointAt <= this.options.checkpointEveryMs)
      return;
    lease.awaitsCheckpoint = true;
    this.#checkpoints.push(lease.checkpointAt, lease);
  }
}
