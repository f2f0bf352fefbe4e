import type { MemberId } from "@quorate/raft";
import { judgeHashes } from "./hash-verdict";

const [A, B, C, D, LEARNER] = [1n, 2n, 3n, 4n, 5n] as MemberId[] as [
  MemberId,
  MemberId,
  MemberId,
  MemberId,
  MemberId,
];
const minority = (...members: MemberId[]) => ({ kind: "minority", members });
const EQUAL = { kind: "equal" };
const UNDECIDED = { kind: "undecided" };

describe("judgeHashes", () => {
  it.each<[string, MemberId[], [MemberId, number][], object]>([
    ["nothing, of members that agree", [A, B, C], [[A, 1], [B, 1], [C, 1]], EQUAL], // prettier-ignore
    ["nothing, of those that were reached and agree", [A, B, C], [[A, 1]], EQUAL],
    ["the one that stands against two of three", [A, B, C], [[A, 1], [B, 2], [C, 1]], minority(B)], // prettier-ignore
    ["the one that asks, if it is the one", [A, B, C], [[A, 2], [B, 1], [C, 1]], minority(A)], // prettier-ignore
    ["nobody, while the third is not reached", [A, B, C], [[A, 1], [B, 2]], UNDECIDED], // prettier-ignore
    ["nobody, where each has its own", [A, B, C], [[A, 1], [B, 2], [C, 3]], UNDECIDED], // prettier-ignore
    ["nobody, where halves stand against each other", [A, B, C, D], [[A, 1], [B, 1], [C, 2], [D, 2]], UNDECIDED], // prettier-ignore
    ["nobody of two", [A, B], [[A, 1], [B, 2]], UNDECIDED], // prettier-ignore
    ["a learner, by the voters", [A, B], [[A, 1], [B, 1], [LEARNER, 2]], minority(LEARNER)], // prettier-ignore
    ["nobody by a learner's word", [A, B], [[A, 1], [B, 2], [LEARNER, 2]], UNDECIDED], // prettier-ignore
  ])("finds %s", (_whom, voters, hashes, verdict) => {
    expect(judgeHashes(voters, new Map(hashes))).toEqual(verdict);
  });
});
