import fc from "fast-check";
import type { Configuration, MemberId } from "../types";
import { changeConfiguration, isJoint, isSafeStep, type ConfigurationChange } from "./change";

const members = [1n, 2n, 3n, 4n, 5n, 6n] as MemberId[];
const anyone = fc.constantFrom(...members);
const changes: fc.Arbitrary<ConfigurationChange> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      "add-learner" as const,
      "add-voter" as const,
      "promote" as const,
      "remove" as const,
    ),
    member: anyone,
  }),
  fc.record({ kind: fc.constant("replace" as const), member: anyone, by: anyone }),
  fc.constant({ kind: "leave-joint" as const }),
);

/** All sets of members that hold a majority of each half. */
function quorumsOf({ incoming, outgoing }: Configuration): Set<MemberId>[] {
  const has = (set: ReadonlySet<MemberId>, half: readonly MemberId[]): boolean =>
    half.length === 0 || half.filter((id) => set.has(id)).length * 2 > half.length;
  return Array.from(
    { length: 1 << members.length },
    (_, bits) => new Set(members.filter((_, at) => (bits >> at) & 1)),
  ).filter((set) => has(set, incoming) && has(set, outgoing));
}

function overlap(a: Configuration, b: Configuration): boolean {
  const others = quorumsOf(b);
  return quorumsOf(a).every((one) => others.every((other) => [...one].some((id) => other.has(id))));
}

describe("changing a configuration", () => {
  it("keeps every majority in touch with every majority of the step before, whatever is asked for", () => {
    fc.assert(
      fc.property(
        fc.subarray(members, { minLength: 1 }),
        fc.array(changes, { maxLength: 12 }),
        (voters, steps) => {
          let configuration: Configuration = { incoming: voters, outgoing: [], learners: [] };
          for (const step of steps) {
            const result = changeConfiguration(configuration, step);
            if (!result.ok) continue;
            expect(overlap(configuration, result.configuration)).toBe(true);
            expect(isSafeStep(configuration, result.configuration)).toBe(true);
            configuration = result.configuration;
            const { incoming, learners } = configuration;
            expect(incoming.length).toBeGreaterThan(0);
            expect(new Set([...incoming, ...learners]).size).toBe(incoming.length + learners.length);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("calls a step safe only if all majorities overlap", () => {
    const halves = fc.oneof(fc.constant<MemberId[]>([]), fc.subarray(members, { minLength: 1 }));
    const configurations: fc.Arbitrary<Configuration> = fc.record({
      incoming: fc.subarray(members, { minLength: 1 }),
      outgoing: halves,
      learners: fc.constant([]),
    });
    fc.assert(
      fc.property(configurations, configurations, (from, to) => {
        if (isSafeStep(from, to)) expect(overlap(from, to)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  const [a, b, c, d] = members as [MemberId, MemberId, MemberId, MemberId];
  const three: Configuration = { incoming: [a, b], outgoing: [], learners: [c] };

  it.each<[string, ConfigurationChange, string]>([
    ["adds nobody twice", { kind: "add-voter", member: a }, "member-exists"],
    ["adds no learner that votes", { kind: "add-learner", member: b }, "member-exists"],
    ["adds no voter that is a learner", { kind: "add-voter", member: c }, "member-exists"],
    ["promotes nobody unknown", { kind: "promote", member: d }, "member-not-found"],
    ["promotes no voter", { kind: "promote", member: a }, "not-a-learner"],
    ["removes nobody unknown", { kind: "remove", member: d }, "member-not-found"],
    ["replaces no learner", { kind: "replace", member: c, by: d }, "member-not-found"],
    ["replaces nobody by a voter", { kind: "replace", member: a, by: b }, "member-exists"],
    ["leaves no joint configuration that there is not", { kind: "leave-joint" }, "not-joint"],
  ])("%s", (_, change, error) => {
    expect(changeConfiguration(three, change)).toEqual({ ok: false, error });
  });

  it("replaces a voter in two steps, and takes nothing else in between", () => {
    const joint = changeConfiguration(three, { kind: "replace", member: a, by: c });
    expect(joint).toEqual({ ok: true, configuration: { incoming: [b, c], outgoing: [a, b], learners: [] } });
    if (!joint.ok) return;
    expect(isJoint(joint.configuration)).toBe(true);
    expect(changeConfiguration(joint.configuration, { kind: "remove", member: b })).toEqual({
      ok: false,
      error: "joint",
    });
    expect(changeConfiguration(joint.configuration, { kind: "leave-joint" })).toEqual({
      ok: true,
      configuration: { incoming: [b, c], outgoing: [], learners: [] },
    });
  });

  it("never leaves nobody to vote", () => {
    const one: Configuration = { incoming: [a], outgoing: [], learners: [b] };
    expect(changeConfiguration(one, { kind: "remove", member: a })).toEqual({
      ok: false,
      error: "no-voters-left",
    });
  });
});
