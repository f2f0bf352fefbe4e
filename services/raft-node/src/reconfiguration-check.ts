import {
  changeConfiguration,
  type ConfigurationChange,
  type MemberId,
  type PeerStatus,
  type RaftStatus,
} from "@quorate/raft";
import type { MembershipChange } from "@quorate/state-machine";
import type { LeaderJudgement } from "@quorate/wire";

/** Share of the leader's log that a learner must hold to be promoted, as in etcd. */
const LEARNER_READY_SHARE = 0.9;

/**
 * The strict reconfiguration check: whether the members that would decide after `change` could. A member that is only just
 * added counts as down, so a cluster that is shaky already does not get a voter more. What the change itself may be at fault
 * with is judged where it is applied, by all members alike.
 *
 * @param status The leader's.
 * @returns Why not, or `undefined` if it may be proposed.
 */
export function judgeReconfiguration(
  change: MembershipChange,
  status: RaftStatus,
): LeaderJudgement | undefined {
  if (change.kind === "promote" && isLaggingLearner(change.id, status)) return "learner-not-ready";
  const step = stepOf(change);
  if (step === undefined) return undefined;
  const { configuration } = status;
  const result = changeConfiguration(configuration, step);
  if (!result.ok) return undefined;
  // A cluster of one has to begin somewhere; and a learner decides nothing, so it may always go.
  if (step.kind === "add-voter" && configuration.incoming.length === 1) return undefined;
  if (step.kind === "remove" && configuration.learners.includes(step.member)) return undefined;

  const { memberId, peers } = status;
  const peerOf = (id: MemberId): PeerStatus | undefined => peers.find(({ member }) => member === id);
  const isStarted = (id: MemberId): boolean => id === memberId || (peerOf(id)?.match ?? 0) > 0;
  const isActive = (id: MemberId): boolean => id === memberId || isHealthy(peerOf(id));
  const decidable = (counts: (id: MemberId) => boolean): boolean =>
    [result.configuration.incoming, result.configuration.outgoing].every(
      (half) => half.length === 0 || half.filter(counts).length * 2 > half.length,
    );
  if (!decidable(isStarted)) return "not-enough-started";
  // Removing a member that does not answer can only make things better.
  if (step.kind === "remove" && !isActive(step.member)) return undefined;
  return decidable(isActive) ? undefined : "unhealthy-cluster";
}

function isLaggingLearner(id: MemberId, { configuration, peers, last }: RaftStatus): boolean {
  if (!configuration.learners.includes(id)) return false;
  const peer = peers.find(({ member }) => member === id);
  return !isHealthy(peer) || (peer?.match ?? 0) < last.index * LEARNER_READY_SHARE;
}

/** Whether it answers, and is not waiting for a snapshot: until it has one it acknowledges nothing, and may not lead. */
function isHealthy(peer: PeerStatus | undefined): boolean {
  return peer !== undefined && peer.active && peer.state !== "snapshot";
}

/** What a change does to the configuration; `undefined` if it only changes what is known of a member. */
function stepOf(change: MembershipChange): ConfigurationChange | undefined {
  switch (change.kind) {
    case "add":
      return { kind: change.learner ? "add-learner" : "add-voter", member: change.member.id };
    case "promote":
    case "remove":
      return { kind: change.kind, member: change.id };
    case "replace":
      return { kind: "replace", member: change.id, by: change.by.id };
    default:
      return undefined;
  }
}
