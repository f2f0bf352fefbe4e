import { assertNever, EMPTY_BYTES } from "@quorate/base";
import type { Term } from "@quorate/raft";
import { isLearner, type CommandOutcome, type Membership, type ReadOutcome } from "@quorate/state-machine";
import {
  encodeMembershipResult,
  failureOf,
  type NodeMember,
  type ResponseEncoder,
  type Result,
} from "@quorate/wire";

/** What a command did, as the gateway hands it on. */
export function encodeOutcome(encoder: ResponseEncoder, outcome: CommandOutcome, raftTerm: Term): Result {
  if (!outcome.ok) return { ok: false, failure: failureOf(outcome.error) };
  const { response } = outcome;
  switch (response.kind) {
    case "put":
      return { ok: true, bytes: encoder.put(response.response, raftTerm) };
    case "delete-range":
      return { ok: true, bytes: encoder.deleteRange(response.response, raftTerm) };
    case "txn":
      return { ok: true, bytes: encoder.txn(response.response, raftTerm) };
    case "compact":
      return { ok: true, bytes: encoder.compact(response.response, raftTerm) };
    case "lease-grant":
      return { ok: true, bytes: encoder.leaseGrant(response.response, raftTerm) };
    case "lease-revoke":
      return { ok: true, bytes: encoder.leaseRevoke(response.response, raftTerm) };
    case "alarm":
      return { ok: true, bytes: encoder.alarms(response.response, raftTerm) };
    case "lease-expire":
    case "lease-checkpoint":
      return { ok: true, bytes: EMPTY_BYTES }; // proposed by this leader itself, which looks at the state
    case "membership":
      return { ok: true, bytes: encodeMembers(response.response.membership, raftTerm) };
    default:
      return assertNever(response);
  }
}

function encodeMembers(membership: Membership, raftTerm: Term): Uint8Array {
  const { clusterId } = membership;
  return encodeMembershipResult({ clusterId, raftTerm, members: listMembers(membership) });
}

/** All members with what the cluster knows of each, by id. */
export function listMembers(membership: Membership): NodeMember[] {
  return membership.members.map((member) => ({ ...member, learner: isLearner(membership, member.id) }));
}

/** What a read found, likewise. */
export function encodeRead(encoder: ResponseEncoder, outcome: ReadOutcome, raftTerm: Term): Result {
  if (!outcome.ok) return { ok: false, failure: failureOf(outcome.error) };
  switch (outcome.kind) {
    case "range": {
      const bytes = encoder.range(outcome.response, raftTerm);
      return outcome.next === undefined ? { ok: true, bytes } : { ok: true, bytes, next: outcome.next };
    }
    case "txn":
      return { ok: true, bytes: encoder.txn(outcome.response, raftTerm) };
    case "leases":
      return { ok: true, bytes: encoder.leases(outcome.response, raftTerm) };
    case "alarms":
      return { ok: true, bytes: encoder.alarms(outcome.response, raftTerm) };
    default:
      return assertNever(outcome);
  }
}
