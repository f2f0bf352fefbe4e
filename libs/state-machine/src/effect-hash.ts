import { assertNever, crc32, writeUint64 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { CommandOutcome, StateError } from "./types";

/** What one entry did, in a form that does not depend on how entries are batched. */
export interface EntryEffects {
  readonly index: number;
  /** Afterwards. */
  readonly revision: Revision;
  readonly compactRevision: Revision;
  readonly outcomes: readonly CommandOutcome[];
  /** The encoded events of the entry, one after another. */
  readonly events: Uint8Array;
  /** The encoded changes of leases and of alarms, likewise. */
  readonly leases: Uint8Array;
  /** The encoded membership, if it changed. */
  readonly membership: Uint8Array;
  readonly alarms: Uint8Array;
}

const HEADER_BYTES = 24;

/**
 * The effect hash after an entry, given the one before it. Members whose hashes differ at one index have diverged.
 * CRC-32 notices accidents, which is what it is for; it is no defence against a forger.
 */
export function chainEffects(before: number, effects: EntryEffects): number {
  const { outcomes } = effects;
  const frame = new Uint8Array(HEADER_BYTES + outcomes.length);
  writeUint64(frame, 0, effects.index);
  writeUint64(frame, 8, effects.revision);
  writeUint64(frame, 16, effects.compactRevision + 1);
  for (let at = 0; at < outcomes.length; at += 1) frame[HEADER_BYTES + at] = outcomeCode(outcomes[at]!);
  const data = withBytes(effects.leases, withBytes(effects.events, crc32(frame, before)));
  return withBytes(effects.membership, withBytes(effects.alarms, data));
}

function withBytes(bytes: Uint8Array, chained: number): number {
  return bytes.length === 0 ? chained : crc32(bytes, chained);
}

/** These numbers are compared between members of different versions: never reuse or change one. */
function outcomeCode(outcome: CommandOutcome): number {
  if (!outcome.ok) return errorCode(outcome.error);
  const { response } = outcome;
  if (response.kind === "txn") return response.response.succeeded ? 0 : 1;
  return response.kind === "lease-expire" && !response.response.expired ? 2 : 0;
}

function errorCode(error: StateError): number {
  switch (error.code) {
    case "compacted":
      return 16;
    case "future-revision":
      return 17;
    case "key-not-found":
      return 18;
    case "lease-not-found":
      return 19;
    case "lease-exists":
      return 20;
    case "lease-ttl-too-large":
      return 21;
    case "no-space":
      return 22;
    case "corrupt-cluster":
      return 23;
    case "member-exists":
      return 24;
    case "peer-urls-exist":
      return 25;
    case "member-not-found":
      return 26;
    case "member-not-learner":
      return 27;
    case "too-many-learners":
      return 28;
    case "no-voters-left":
      return 29;
    case "membership-unsettled":
      return 30;
    default:
      return assertNever(error);
  }
}
