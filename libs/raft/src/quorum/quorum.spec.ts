import fc from "fast-check";
import type { Configuration, MemberId } from "../types";
import { isVoter, membersOf, quorumValue, voteResult, votersOf } from "./quorum";

const members = [1n, 2n, 3n, 4n, 5n, 6n, 7n] as MemberId[];

/** Any configuration with voters, joint or not, of up to seven members. */
const configurations: fc.Arbitrary<Configuration> = fc.record({
  incoming: fc.subarray(members, { minLength: 1 }),
  outgoing: fc.oneof(fc.constant<MemberId[]>([]), fc.subarray(members)),
  learners: fc.subarray(members),
});

/** Every set of members that holds a majority of each half: a quorum by definition. */
function quorumsOf({ incoming, outgoing }: Configuration): Set<MemberId>[] {
  const found: Set<MemberId>[] = [];
  for (let bits = 0; bits < 1 << members.length; bits += 1) {
    const set = new Set(members.filter((_, at) => (bits >> at) & 1));
    const majority = (half: readonly MemberId[]): boolean =>
      half.length === 0 || half.filter((member) => set.has(member)).length * 2 > half.length;
    if (majority(incoming) && majority(outgoing)) found.push(set);
  }
  return found;
}

describe("quorum", () => {
  it("finds the greatest value that all members of some quorum have reached", () => {
    fc.assert(
      fc.property(
        configurations,
        fc.array(fc.nat(9), { minLength: 7, maxLength: 7 }),
        (configuration, values) => {
          const valueOf = (member: MemberId): number => values[Number(member) - 1]!;
          const voters = new Set(votersOf(configuration));
          const floors = quorumsOf(configuration).map((quorum) =>
            Math.min(...[...quorum].filter((member) => voters.has(member)).map(valueOf)),
          );
          expect(quorumValue(configuration, valueOf)).toBe(Math.max(...floors));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("counts votes: won when a quorum granted, lost when no quorum can any more", () => {
    const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(configurations, votes, (configuration, given) => {
        const voteOf = (member: MemberId): boolean | undefined => given[Number(member) - 1];
        const quorums = quorumsOf(configuration).map((quorum) => [...quorum]);
        const voters = new Set(votersOf(configuration));
        const counting = (quorum: MemberId[]): MemberId[] => quorum.filter((member) => voters.has(member));
        const won = quorums.some((quorum) => counting(quorum).every((member) => voteOf(member) === true));
        const open = quorums.some((quorum) => counting(quorum).every((member) => voteOf(member) !== false));
        expect(voteResult(configuration, voteOf)).toBe(won ? "won" : open ? "pending" : "lost");
      }),
      { numRuns: 1000 },
    );
  });

  it("never lets two quorums of one configuration be disjoint", () => {
    fc.assert(
      fc.property(configurations, (configuration) => {
        const voters = new Set(votersOf(configuration));
        const quorums = quorumsOf(configuration).map((quorum) =>
          [...quorum].filter((member) => voters.has(member)),
        );
        const first = fc.sample(fc.constantFrom(...quorums), { numRuns: 5, seed: 1 });
        for (const one of first)
          for (const other of quorums) expect(one.some((id) => other.includes(id))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("names every member once and tells voters from learners", () => {
    const [a, b, c, d] = members as [MemberId, MemberId, MemberId, MemberId];
    const configuration = { incoming: [a, b], outgoing: [b, c], learners: [d] };
    expect(membersOf(configuration)).toEqual([a, b, c, d]);
    expect(votersOf(configuration)).toEqual([a, b, c]);
    expect(members.map((member) => isVoter(configuration, member)).slice(0, 4)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});
