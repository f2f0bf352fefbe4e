import type { Message } from "./message";
import type { Configuration, Entry, EntryId, LogIndex, MemberId, StateView, Term } from "./types";

/** Everything that can happen to the core. Each is handled to its end before the next. */
export type RaftInput =
  /** One unit of logical time has passed (a tenth of the minimum election timeout, as a rule). */
  | { readonly kind: "tick" }
  /**
   * A message arrived. `incarnation` counts the sender's starts: a higher one than before means that the sender may have
   * lost its unsynced tail, so what was known about it is forgotten. Lower ones are ignored.
   */
  | {
      readonly kind: "receive";
      readonly from: MemberId;
      readonly incarnation: number;
      readonly message: Message;
    }
  /**
   * A command for the log, accepted only by the leader of `expectedTerm`. Answered at once by a `proposed` or
   * `proposal-refused` effect with the same `id`; what becomes of an accepted one is told by `apply`.
   */
  | { readonly kind: "propose"; readonly id: number; readonly expectedTerm: Term; readonly data: Uint8Array }
  /**
   * The same for an entry that changes the membership. The core does not read `data`, which must not be empty: an empty
   * configuration entry ends a joint configuration, and leaders add it by themselves.
   */
  | {
      readonly kind: "propose-configuration";
      readonly id: number;
      readonly expectedTerm: Term;
      readonly data: Uint8Array;
    }
  /** Gives the leadership to another voter; answered by `transfer-ended` with the same `id`. */
  | { readonly kind: "transfer-leadership"; readonly id: number; readonly to: MemberId }
  /** Asks for an index at which a read is linearizable; answered by `read-ready` or `read-failed` with the same `id`. */
  | { readonly kind: "read-index"; readonly id: number }
  /** The `persist` effect with this `id`, and all before it, are durable. */
  | { readonly kind: "persisted"; readonly id: number }
  /**
   * The shell has applied everything up to `index`. `configuration` is the one as of `index`; needed when a configuration
   * entry was among what was applied, whether or not it changed anything.
   */
  | { readonly kind: "applied"; readonly index: LogIndex; readonly configuration?: Configuration }
  /** What is applied up to `index` survives a power loss: the log before it is not needed for a restart any more. */
  | { readonly kind: "applied-durably"; readonly index: LogIndex }
  /** The log store has removed everything up to `at`, as a `compact` effect asked for, in one step or several. */
  | { readonly kind: "compacted"; readonly at: EntryId; readonly chain: number }
  /** The answer to `open-snapshot`: the view shows the state after `at`, with the configuration that is part of that state. */
  | {
      readonly kind: "snapshot-opened";
      readonly to: MemberId;
      readonly transfer: number;
      readonly at: StateView;
    }
  /** The view is gone, because nobody read it for long or there are too many; also an answer to `open-snapshot`. */
  | { readonly kind: "snapshot-closed"; readonly to: MemberId; readonly transfer: number }
  /** The answer to `fetch-snapshot`: all of it is here, verified and durable, but not in use. */
  | { readonly kind: "snapshot-staged"; readonly transfer: number }
  /** The other answer: it cannot be had, or is not what was promised. A later offer starts anew. */
  | { readonly kind: "snapshot-failed"; readonly transfer: number }
  /** The answer to `install-snapshot`: the state is that of the snapshot, durably. */
  | { readonly kind: "snapshot-installed"; readonly index: LogIndex }
  /** The answer to a `fetch` effect: consecutive entries from the index that was asked for, or none if unreadable. */
  | { readonly kind: "fetched"; readonly from: LogIndex; readonly entries: readonly Entry[] }
  /** The transport lost its way to a member: messages to it were dropped. */
  | { readonly kind: "unreachable"; readonly member: MemberId };
