import type { EntryId, EntryType, LogIndex, MemberId, Message, Term } from "@quorate/raft";
import fc from "fast-check";
import { DecodeError } from "./errors";
import { decodePeerEnvelope, encodePeerEnvelope, type PeerEnvelope } from "./peer";
import { quorate } from "./protocol";

const term = fc.maxSafeNat().map((value) => value as Term);
const index = fc.nat().map((value) => value as LogIndex);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const entryId: fc.Arbitrary<EntryId> = fc.record({ term, index });
const memberIds = fc.array(
  id.map((value) => value as MemberId),
  { maxLength: 5 },
);
const round = fc.maxSafeNat();
const granted = fc.boolean();

function kind<K extends string>(value: K): fc.Arbitrary<K> {
  return fc.constant(value);
}

const append: fc.Arbitrary<Message> = fc
  .record({
    term,
    round,
    previous: entryId,
    previousChain: uint32,
    commit: index,
    entries: fc.array(
      fc.record({
        term,
        type: fc.constantFrom<EntryType>("empty", "command", "configuration"),
        data: fc.uint8Array({ maxLength: 300 }),
        chain: uint32,
      }),
    ),
  })
  .map((fields) => ({
    kind: "append",
    ...fields,
    entries: fields.entries.map((entry, at) => ({
      ...entry,
      index: (fields.previous.index + 1 + at) as LogIndex,
    })),
  }));

const committed = fc.option(entryId, { nil: undefined });

const message: fc.Arbitrary<Message> = fc.oneof(
  append,
  fc.record({ kind: kind("pre-vote"), term, last: entryId, committed }),
  fc.record({ kind: kind("pre-vote-response"), term, granted, committed }),
  fc.record({ kind: kind("vote"), term, last: entryId, transfer: fc.boolean() }),
  fc.record({ kind: kind("vote-response"), term, granted }),
  fc.record({
    kind: kind("append-response"),
    term,
    round,
    outcome: fc.oneof(
      fc.record({ kind: kind("accepted"), match: index }),
      fc.record({ kind: kind("rejected"), previous: index, hint: entryId }),
    ),
  }),
  fc.record({ kind: kind("heartbeat"), term, round, commit: index }),
  fc.record({ kind: kind("heartbeat-response"), term, round, needsSnapshot: fc.boolean() }),
  fc.record({
    kind: kind("install-snapshot"),
    term,
    round,
    transfer: round,
    snapshot: fc.record({
      term,
      index,
      chain: uint32,
      configuration: fc.record({ incoming: memberIds, outgoing: memberIds, learners: memberIds }),
    }),
  }),
  fc.record({ kind: kind("timeout-now"), term }),
  fc.record({ kind: kind("read-index"), term, id: round }),
  fc.record({
    kind: kind("read-index-response"),
    term,
    id: round,
    index: fc.option(index, { nil: undefined }),
  }),
);

const damage = fc.record({ incarnation: uint32, why: fc.string() });
const integrity = fc
  .record(
    {
      effects: fc.record({ index, hash: uint32 }),
      effectsWanted: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      receiverDamaged: damage,
      senderDamaged: damage,
    },
    { requiredKeys: [] },
  )
  .filter((note) => Object.keys(note).length > 0);

const envelope: fc.Arbitrary<PeerEnvelope> = fc.record(
  {
    clusterId: id,
    from: id.map((value) => value as MemberId),
    to: id.map((value) => value as MemberId),
    incarnation: uint32,
    bootNonce: uint32,
    group: uint32,
    messages: fc.array(message, { maxLength: 8 }),
    receiverRemoved: fc.constant(true as const),
    clusterVersion: fc.integer({ min: 1, max: 9 }),
    clusterVersionMax: fc.integer({ min: 1, max: 9 }),
    integrity,
  },
  { requiredKeys: ["clusterId", "from", "to", "incarnation", "bootNonce", "group", "messages"] },
);

/** A number that no entry type has. */
const nameless: number = 9;

const appendOfOneEntry: PeerEnvelope = {
  clusterId: 1n,
  from: 2n as MemberId,
  to: 3n as MemberId,
  incarnation: 1,
  bootNonce: 1,
  group: 0,
  messages: [
    {
      kind: "append",
      term: 1 as Term,
      round: 1,
      previous: { term: 0 as Term, index: 0 as LogIndex },
      previousChain: 0,
      entries: [
        { term: 1 as Term, index: 1 as LogIndex, type: "command", data: Uint8Array.of(1, 2, 3), chain: 5 },
      ],
      commit: 0 as LogIndex,
    },
  ],
};

describe("peer envelopes", () => {
  it("come back as they were sent", () => {
    fc.assert(
      fc.property(envelope, (sent) => {
        expect(decodePeerEnvelope(encodePeerEnvelope(sent))).toEqual(sent);
      }),
    );
  });

  it("keep nothing of the buffer that they were received in", () => {
    const received = encodePeerEnvelope(appendOfOneEntry);
    const decoded = decodePeerEnvelope(received);
    received.fill(0);
    expect(decoded).toEqual(appendOfOneEntry);
  });

  it("are of format 1 under the first cluster version, and of one that builds of before drop after it", () => {
    const formatOf = (clusterVersion?: number): number => {
      const sent = clusterVersion === undefined ? appendOfOneEntry : { ...appendOfOneEntry, clusterVersion };
      return quorate.raft.v1.PeerEnvelope.decode(encodePeerEnvelope(sent)).version;
    };
    expect([formatOf(), formatOf(1), formatOf(2), formatOf(3)]).toEqual([1, 1, 2, 2]);
  });

  it("of an unknown format still say whose they are, and of which cluster version", () => {
    const { PeerEnvelope } = quorate.raft.v1;
    const bytes = PeerEnvelope.encode({ version: 3, from: 7, clusterVersion: 9, messages: [{}] }).finish();
    const told = { from: 7n, clusterVersion: 9, messages: [], unreadable: true };
    expect(decodePeerEnvelope(bytes)).toMatchObject(told);
  });

  it.each<[string, quorate.raft.v1.PeerMessage.$Properties]>([
    ["a message of no known kind", {}],
    ["an answer without outcome", { appendResponse: { term: 1 } }],
    ["an entry of an unknown type", { append: { entries: [{ type: nameless }] } }],
    ["a term beyond 2^53-1", { heartbeat: { term: 2 ** 53 } }],
  ])("are refused with %s", (_, inner) => {
    const bytes = quorate.raft.v1.PeerEnvelope.encode({ version: 1, messages: [inner] }).finish();
    expect(() => decodePeerEnvelope(bytes)).toThrow(DecodeError);
  });
});
