import type { Configuration, MemberId } from "../types";

/**
 * A step from one configuration to the next. All but "replace" change one member, so every majority before meets every
 * majority after (thesis §4.1). "replace" exchanges one voter for another by way of a joint configuration (§4.3), which
 * "leave-joint" ends.
 */
export type ConfigurationChange =
  | { readonly kind: "add-learner"; readonly member: MemberId }
  /** A member that was not there before. */
  | { readonly kind: "add-voter"; readonly member: MemberId }
  /** A learner becomes a voter. */
  | { readonly kind: "promote"; readonly member: MemberId }
  | { readonly kind: "remove"; readonly member: MemberId }
  /** `by` is new, or a learner. */
  | { readonly kind: "replace"; readonly member: MemberId; readonly by: MemberId }
  | { readonly kind: "leave-joint" };

export type ConfigurationError =
  /** Another change is half done. */
  | "joint"
  | "not-joint"
  | "member-exists"
  | "member-not-found"
  | "not-a-learner"
  /** Nobody could decide anything any more. */
  | "no-voters-left";

export type ChangeResult =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly error: ConfigurationError };

/** Whether `configuration` is on its way from one set of voters to another. */
export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing.length > 0;
}

/** What `change` makes of `configuration`: the same on every member, and an error changes nothing. Keeps orders. */
export function changeConfiguration(configuration: Configuration, change: ConfigurationChange): ChangeResult {
  const { incoming, outgoing, learners } = configuration;
  if (change.kind === "leave-joint") {
    return isJoint(configuration) ? changed(incoming, [], learners) : refused("not-joint");
  }
  if (isJoint(configuration)) return refused("joint");
  const { member } = change;
  const isVoter = incoming.includes(member);
  const isLearner = learners.includes(member);
  switch (change.kind) {
    case "add-learner":
      return isVoter || isLearner
        ? refused("member-exists")
        : changed(incoming, outgoing, [...learners, member]);
    case "add-voter":
      return isVoter || isLearner
        ? refused("member-exists")
        : changed([...incoming, member], outgoing, learners);
    case "promote":
      if (isVoter) return refused("not-a-learner");
      if (!isLearner) return refused("member-not-found");
      return changed([...incoming, member], outgoing, without(learners, member));
    case "remove":
      if (!isVoter && !isLearner) return refused("member-not-found");
      if (isVoter && incoming.length === 1) return refused("no-voters-left");
      return changed(without(incoming, member), outgoing, without(learners, member));
    case "replace":
      if (!isVoter) return refused("member-not-found");
      if (incoming.includes(change.by)) return refused("member-exists");
      return changed([...without(incoming, member), change.by], incoming, without(learners, change.by));
  }
}

/**
 * Whether a majority under `from` and one under `to` always share a member: one voter more or less, or one half of a joint
 * configuration kept.
 */
export function isSafeStep(from: Configuration, to: Configuration): boolean {
  if (!isJoint(from) && !isJoint(to)) return difference(from.incoming, to.incoming) <= 1;
  if (!isJoint(from)) return difference(from.incoming, to.outgoing) === 0;
  return difference(from.incoming, to.incoming) === 0 && (!isJoint(to) || sameOutgoing(from, to));
}

function sameOutgoing(from: Configuration, to: Configuration): boolean {
  return difference(from.outgoing, to.outgoing) === 0;
}

/** How many members are in one list only. */
function difference(a: readonly MemberId[], b: readonly MemberId[]): number {
  return a.filter((id) => !b.includes(id)).length + b.filter((id) => !a.includes(id)).length;
}

function without(list: readonly MemberId[], member: MemberId): MemberId[] {
  return list.filter((id) => id !== member);
}

function changed(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  learners: readonly MemberId[],
): ChangeResult {
  return { ok: true, configuration: { incoming, outgoing, learners } };
}

function refused(error: ConfigurationError): ChangeResult {
  return { ok: false, error };
}
