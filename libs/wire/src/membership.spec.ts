import fc from "fast-check";
import type { MemberId, Term } from "@quorate/raft";
import type { ClusterMember, MembershipChange } from "@quorate/state-machine";
import { DecodeError } from "./errors";
import {
  decodeMembershipEntry,
  decodeMembershipOrder,
  decodeMembershipResult,
  encodeMembershipEntry,
  encodeMembershipOrder,
  encodeMembershipResult,
  type MembershipOrder,
} from "./membership";

const kind = <T extends string>(value: T): fc.Arbitrary<T> => fc.constant(value);
const identity = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const id = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((value) => value as MemberId);
const urls = fc.array(fc.string(), { maxLength: 3 });
const member: fc.Arbitrary<ClusterMember> = fc.record({
  id,
  name: fc.string(),
  peerUrls: urls,
  clientUrls: urls,
});

const change: fc.Arbitrary<Exclude<MembershipChange, { kind: "leave-joint" }>> = fc.oneof(
  fc.record({ kind: kind("found"), clusterId: identity, members: fc.array(member, { maxLength: 4 }) }),
  fc.record({ kind: kind("add"), member, learner: fc.boolean(), learnersMax: fc.nat() }),
  fc.record({ kind: fc.constantFrom("promote" as const, "remove" as const), id }),
  fc.record({ kind: kind("replace"), id, by: member }),
  fc.record({ kind: kind("update"), id, peerUrls: urls }),
  fc.record({ kind: kind("refound"), clusterId: identity, member }),
  fc.record({ kind: kind("publish"), id, name: fc.string(), clientUrls: urls, clusterVersionMax: fc.nat() }),
  fc.record({ kind: kind("raise-version"), version: fc.nat() }),
);
const request = fc.record({ changeId: identity, change });

describe("membership messages", () => {
  it("come back from configuration entries as they were", () => {
    fc.assert(
      fc.property(request, (sent) => {
        expect(decodeMembershipEntry(encodeMembershipEntry(sent))).toEqual(sent);
      }),
    );
  });

  it("take an empty configuration entry for the end of a joint configuration", () => {
    const request = { changeId: 0n, change: { kind: "leave-joint" } } as const;
    expect(encodeMembershipEntry(request)).toHaveLength(0);
    expect(decodeMembershipEntry(new Uint8Array(0))).toEqual(request);
  });

  it("come back from orders to the leader as they were", () => {
    const order: fc.Arbitrary<MembershipOrder["order"]> = fc.oneof(
      fc.record({ kind: kind("change"), request }),
      fc.record({ kind: kind("move-leader"), to: id }),
    );
    fc.assert(
      fc.property(fc.record({ order, skipHealthCheck: fc.boolean() }), (sent) => {
        expect(decodeMembershipOrder(encodeMembershipOrder(sent))).toEqual(sent);
      }),
    );
  });

  it("list the members afterwards", () => {
    const members = [{ id: 7n as MemberId, name: "n7", peerUrls: ["a"], clientUrls: [], learner: true }];
    const result = { clusterId: 2n ** 64n - 1n, raftTerm: 3 as Term, members };
    expect(decodeMembershipResult(encodeMembershipResult(result))).toEqual(result);
  });

  it.each<[string, () => unknown]>([
    ["a change of an unknown kind", () => decodeMembershipEntry(Uint8Array.of(0xfa, 0x01, 0x00))],
    ["an order for nothing", () => decodeMembershipOrder(new Uint8Array(0))],
    // add { member { } }
    ["a member without an id", () => decodeMembershipEntry(Uint8Array.of(0x1a, 0x02, 0x0a, 0x00))],
    ["bytes that are no message", () => decodeMembershipEntry(Uint8Array.of(0xff))],
  ])("refuse %s", (_, decode) => {
    expect(decode).toThrow(DecodeError);
  });
});
