import type { MemberId } from "@quorate/raft";

export type HashVerdict =
  /** As far as hashes are known they are equal. */
  | { readonly kind: "equal" }
  /** A majority of the voters has one hash; these members have others. */
  | { readonly kind: "minority"; readonly members: readonly MemberId[] }
  /** Hashes differ, and no majority is known to have one. */
  | { readonly kind: "undecided" };

/**
 * Who is wrong, when hashes of what ought to be equal are not. Only the voters count, and a hash that is not known counts for
 * nobody: who cannot be reached is unchecked, never equal.
 */
export function judgeHashes(voters: readonly MemberId[], hashes: ReadonlyMap<MemberId, number>): HashVerdict {
  if (new Set(hashes.values()).size <= 1) return { kind: "equal" };
  const votes = new Map<number, number>();
  for (const voter of voters) {
    const hash = hashes.get(voter);
    if (hash !== undefined) votes.set(hash, (votes.get(hash) ?? 0) + 1);
  }
  const chosen = [...votes].find(([, count]) => count * 2 > voters.length)?.[0];
  if (chosen === undefined) return { kind: "undecided" };
  return { kind: "minority", members: [...hashes.keys()].filter((member) => hashes.get(member) !== chosen) };
}
