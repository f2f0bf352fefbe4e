import type { Configuration, MemberId } from "../types";

/**
 * All counting of members: what a majority of *each* half of a configuration agrees on (thesis §4.3). Outside a joint
 * change the outgoing half is empty and agrees with everything.
 */

export type VoteResult = "won" | "lost" | "pending";

/**
 * The greatest value that a quorum has reached: of a match index it is what may be committed, of an answered round what
 * is confirmed. O(n^2) for n voters, which are few, without sorting or allocating.
 */
export function quorumValue(configuration: Configuration, valueOf: (member: MemberId) => number): number {
  return Math.min(
    majorityValue(configuration.incoming, valueOf),
    majorityValue(configuration.outgoing, valueOf),
  );
}

/** "lost" as soon as the missing votes cannot change it. @param voteOf `undefined` while a member has not answered. */
export function voteResult(
  configuration: Configuration,
  voteOf: (member: MemberId) => boolean | undefined,
): VoteResult {
  const incoming = majorityVote(configuration.incoming, voteOf);
  const outgoing = majorityVote(configuration.outgoing, voteOf);
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return incoming === "won" && outgoing === "won" ? "won" : "pending";
}

export function isVoter(configuration: Configuration, member: MemberId): boolean {
  return configuration.incoming.includes(member) || configuration.outgoing.includes(member);
}

/** Everyone in `configuration` once, in order of first mention. */
export function membersOf(configuration: Configuration): MemberId[] {
  return [...new Set([...configuration.incoming, ...configuration.outgoing, ...configuration.learners])];
}

/** The members whose votes count, once each. */
export function votersOf(configuration: Configuration): MemberId[] {
  return [...new Set([...configuration.incoming, ...configuration.outgoing])];
}

function majorityValue(half: readonly MemberId[], valueOf: (member: MemberId) => number): number {
  if (half.length === 0) return Infinity;
  const majority = (half.length >> 1) + 1;
  let best = -Infinity;
  for (const candidate of half) {
    const value = valueOf(candidate);
    if (value <= best) continue;
    let reached = 0;
    for (const member of half) if (valueOf(member) >= value) reached += 1;
    if (reached >= majority) best = value;
  }
  return best;
}

function majorityVote(
  half: readonly MemberId[],
  voteOf: (member: MemberId) => boolean | undefined,
): VoteResult {
  const majority = (half.length >> 1) + 1;
  let granted = 0;
  let refused = 0;
  for (const member of half) {
    const vote = voteOf(member);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  if (half.length === 0 || granted >= majority) return "won";
  return half.length - refused < majority ? "lost" : "pending";
}
