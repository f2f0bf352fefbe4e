import { utf8 } from "@quorate/base";
import { ClusterNameError } from "./errors";
import {
  answererOf,
  EVENT_SUBJECT_CHARACTERS_MAX,
  isReplySubject,
  parseClusterName,
  senderOf,
  Subjects,
} from "./subjects";

describe("parseClusterName", () => {
  it.each(["a", "Prod_eu-1", "x".repeat(64)])("takes %s", (name) => {
    expect(parseClusterName(name)).toBe(name);
  });

  it.each(["", "a.b", "a*", ">", "a b", "ä", "x".repeat(65), "a\n"])("refuses %j", (name) => {
    expect(() => parseClusterName(name)).toThrow(ClusterNameError);
  });
});

describe("Subjects", () => {
  const subjects = new Subjects(parseClusterName("prod"));

  it("names what nodes, gateways and clients listen to", () => {
    expect([
      subjects.raft(0xan, 0xb0n),
      subjects.raftFromAny(0xb0n),
      subjects.snapshot(1n, 2n),
      subjects.snapshotFromAny(2n),
      subjects.claim(0xffff_ffff_ffff_ffffn),
      subjects.founding(0xan),
      subjects.node(0xan, "propose"),
      subjects.feed(0xan),
      subjects.leader,
      subjects.api("kv", "range"),
      subjects.anyEvent,
    ]).toEqual([
      "q.prod.raft.a.b0",
      "q.prod.raft.*.b0",
      "q.prod.snap.1.2",
      "q.prod.snap.*.2",
      "q.prod.claim.ffffffffffffffff",
      "q.prod.founding.a",
      "q.prod.node.a.propose",
      "q.prod.feed.a",
      "q.prod.leader",
      "quorate.prod.kv.range",
      "quorate.prod.event.>",
    ]);
  });

  it.each([
    ["jobs/7", "jobs.7"],
    ["/jobs/7", "%.jobs.7"],
    ["a//b/", "a.%.b.%"],
    ["", "%"],
    ["%", "%25"],
    ["a.b *>", "a%2eb%20%2a%3e"],
    ["ä", "%c3%a4"],
  ])("turns the key %j into the tokens %s", (key, tokens) => {
    expect(subjects.event("put", utf8(key))).toBe(`quorate.prod.event.put.${tokens}`);
  });

  it("has no event subject for a key that would not fit into a protocol line", () => {
    const room = EVENT_SUBJECT_CHARACTERS_MAX - "quorate.prod.event.delete.".length;
    expect(subjects.event("delete", new Uint8Array(room).fill(0x61))).toHaveLength(
      EVENT_SUBJECT_CHARACTERS_MAX,
    );
    expect(subjects.event("delete", new Uint8Array(room + 1).fill(0x61))).toBeUndefined();
    expect(subjects.event("delete", new Uint8Array(room).fill(0x20))).toBeUndefined();
  });
});

describe("senderOf", () => {
  const subjects = new Subjects(parseClusterName("prod"));

  it("finds the member that the broker let publish there", () => {
    expect(senderOf(subjects.raft(0xabcn, 1n))).toBe(0xabcn);
    expect(senderOf(subjects.snapshot(0xabcn, 1n))).toBe(0xabcn);
  });

  it.each([
    "",
    "q.prod.feed.a",
    "q.prod.raft.a",
    "q.prod.raft.a.b.c",
    "q.prod.raft.xyz.b",
    "x.prod.raft.a.b",
  ])("finds none in %j", (subject) => {
    expect(senderOf(subject)).toBeUndefined();
  });
});

describe("isReplySubject", () => {
  const subjects = new Subjects(parseClusterName("prod"));

  it.each([`${subjects.inbox("U1")}.x.r.0`, `${subjects.nodeInbox("U1")}.x.r.0`, "_INBOX.x.r0", "mine.x"])(
    "lets answers go to %s",
    (reply) => expect(isReplySubject(reply)).toBe(true),
  );

  it.each([
    subjects.raft(1n, 2n),
    subjects.leader,
    subjects.feed(1n),
    subjects.watchDelivery(1n, "0"),
    subjects.api("kv", "put"),
    subjects.event("put", utf8("a"))!,
    "q.other.raft.1.2",
    "q.prod.inbox",
  ])("keeps answers away from %s, where the cluster's own messages go", (reply) =>
    expect(isReplySubject(reply)).toBe(false),
  );
});

describe("answererOf", () => {
  const subjects = new Subjects(parseClusterName("prod"));

  it("tells who alone answers, of the subjects that one node has", () => {
    expect(answererOf(subjects.node(0xan, "propose"))).toBe(0xan);
    expect(answererOf(subjects.node(0xffff_ffff_ffff_ffffn, "feed"))).toBe(0xffff_ffff_ffff_ffffn);
    for (const other of [
      subjects.leader,
      subjects.feed(0xan),
      subjects.raft(1n, 0xan),
      "q.prod.node.*.read",
      "q.prod.node.a",
    ])
      expect(answererOf(other)).toBeUndefined();
  });
});
