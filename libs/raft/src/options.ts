import { invariant } from "@quorate/base";
import type { MemberId } from "./types";

/** Limits and times of one member. All times are ticks: the shell decides how long one is. */
export interface RaftOptions {
  readonly memberId: MemberId;
  /** Minimum time without a leader before campaigning; each wait is drawn from n to 2n-1. At least 2. */
  readonly electionTimeoutTicks: number;
  /** Between the heartbeats of a leader. Well below `electionTimeoutTicks`, so that a lost one costs no election. */
  readonly heartbeatTicks: number;
  /** Most bytes of entries in one append message (a single larger entry still travels, alone). */
  readonly appendBytesMax: number;
  /** Appends with entries that may be unanswered per follower; at the limit only commits and heartbeats flow. */
  readonly inflightMessagesMax: number;
  /** The same window in bytes. It may be exceeded by one message. */
  readonly inflightBytesMax: number;
  /** Entries of a leader's log that are not committed, whoever made them; beyond it proposals are refused as "overloaded". */
  readonly uncommittedBytesMax: number;
  /** Entries kept in memory although they are applied and durable, so that slow followers need no `fetch`. */
  readonly cacheBytesMax: number;
  /** Reads waiting for a round, own and forwarded ones together; beyond it they fail as "overloaded". */
  readonly pendingReadsMax: number;
  /** Most bytes of entries in one `apply` effect (a single larger entry is applied alone). */
  readonly applyBytesMax: number;
  /** Applied entries kept in the log behind the slowest member that answers, so that a short outage needs no snapshot. */
  readonly logKeepEntries: number;
  /** Bytes of entries kept for that purpose at the most; four times that while a snapshot is on its way. */
  readonly logKeepBytesMax: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const RAFT_DEFAULTS: Omit<RaftOptions, "memberId"> = {
  electionTimeoutTicks: 10,
  heartbeatTicks: 1,
  appendBytesMax: 512 * KIB,
  inflightMessagesMax: 64,
  inflightBytesMax: 8 * MIB,
  uncommittedBytesMax: 32 * MIB,
  cacheBytesMax: 32 * MIB,
  pendingReadsMax: 10_000,
  applyBytesMax: 1 * MIB,
  logKeepEntries: 5000,
  logKeepBytesMax: 256 * MIB,
};

/** @throws {InvariantError} the options contradict each other. */
export function checkOptions(options: RaftOptions): void {
  invariant(options.memberId !== 0n, "a member id is never 0");
  invariant(options.electionTimeoutTicks >= 2, "an election timeout is at least 2 ticks");
  invariant(options.heartbeatTicks >= 1, "heartbeats are at least a tick apart");
  invariant(
    options.heartbeatTicks < options.electionTimeoutTicks,
    "a leader beats within the election timeout",
  );
  invariant(options.appendBytesMax <= options.inflightBytesMax, "one append fits into the in-flight window");
  for (const name of Object.keys(RAFT_DEFAULTS) as (keyof typeof RAFT_DEFAULTS)[]) {
    invariant(options[name] > 0, "every limit is positive", { name, value: options[name] });
  }
}
