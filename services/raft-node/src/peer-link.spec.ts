import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { Entry, LogIndex, MemberId, Message, Term } from "@quorate/raft";
import { SILENT_LOGGER } from "@quorate/telemetry";
import { MemoryNetwork } from "@quorate/transport";
import {
  encodePeerEnvelope,
  parseClusterName,
  Subjects,
  type EffectDigest,
  type IntegrityNote,
  type PeerEnvelope,
} from "@quorate/wire";
import type { RaftMessage } from "./actors/raft-actor";
import { PeerLink } from "./peer-link";

const [A, B] = [0xan as MemberId, 0xbn as MemberId];
const SUBJECTS = new Subjects(parseClusterName("c"));
const HEARTBEAT: Message = { kind: "heartbeat", term: 2 as Term, round: 1, commit: 0 as LogIndex };

function build() {
  const time = new VirtualTime();
  const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
  const link = (memberId: MemberId, publishBytesMax = 100) => {
    const heard: RaftMessage[] = [];
    const removedBy: MemberId[] = [];
    const outdatedBy: [MemberId, number][] = [];
    const notes: IntegrityNote[] = [];
    const state: { digest?: EffectDigest } = {};
    const integrity = {
      digest: () => state.digest,
      heard: (_from: MemberId, _incarnation: number, note: IntegrityNote) => void notes.push(note),
    };
    const peer = new PeerLink(
      { clusterId: 0xcn, memberId, incarnation: 1, bootNonce: 5, publishBytesMax, clusterVersionMax: 2 },
      {
        subjects: SUBJECTS,
        transport: network.connect(`node ${memberId}`),
        raft: { tell: (message) => heard.push(message) },
        logger: SILENT_LOGGER,
        toldRemoved: (by) => removedBy.push(by),
        outdated: (by, version) => outdatedBy.push([by, version]),
        integrity,
      },
    );
    peer.start();
    return { peer, heard, removedBy, outdatedBy, notes, state };
  };
  return { time, network, a: link(A), b: link(B) };
}

function envelope(fields: Partial<PeerEnvelope>): Uint8Array {
  return encodePeerEnvelope({
    clusterId: 0xcn,
    from: A,
    to: B,
    incarnation: 1,
    bootNonce: 5,
    group: 0,
    messages: [HEARTBEAT],
    ...fields,
  });
}

describe("PeerLink", () => {
  it("brings all messages of a turn for one peer in one envelope, in order", () => {
    const { time, a, b } = build();
    const second: Message = { ...HEARTBEAT, round: 2 };
    a.peer.send([
      { to: B, message: HEARTBEAT },
      { to: B, message: second },
    ]);
    time.advance(10);
    expect(b.heard).toEqual([{ kind: "peer", from: A, incarnation: 1, messages: [HEARTBEAT, second] }]);
  });

  it("tells a removed member that seeks a leader, and does not let it disturb", () => {
    const { time, a, b } = build();
    const last = { term: 1 as Term, index: 1 as LogIndex };
    b.peer.removed([A]);
    a.peer.send([{ to: B, message: { kind: "pre-vote", term: 3 as Term, last, committed: last } }]);
    time.advance(10);
    expect(b.heard).toEqual([]);
    expect(a.removedBy).toEqual([B]);
    expect(a.heard).toEqual([]);
  });

  it("still hears what else a removed member has to say", () => {
    const { time, a, b } = build();
    b.peer.removed([A]);
    a.peer.send([{ to: B, message: HEARTBEAT }]);
    time.advance(10);
    expect(b.heard).toHaveLength(1);
    expect(a.removedBy).toEqual([]);
  });

  it("says where the state stands with every answer to a heartbeat, and with nothing else", () => {
    const { time, a, b } = build();
    a.state.digest = { index: 7, hash: 70 };
    const answer: Message = { kind: "heartbeat-response", term: 2 as Term, round: 1, needsSnapshot: false };
    a.peer.send([{ to: B, message: answer }]);
    a.peer.send([{ to: B, message: HEARTBEAT }]);
    a.peer.note(B, { effectsWanted: 5 });
    time.advance(10);
    expect(b.notes).toEqual([{ effects: { index: 7, hash: 70 } }, { effectsWanted: 5 }]);
  });

  it("cuts a publish where the entries would pass its limit", () => {
    const { time, a, b } = build();
    const append = (index: number): Message => ({
      kind: "append",
      term: 2 as Term,
      round: 1,
      previous: { term: 1 as Term, index: (index - 1) as LogIndex },
      previousChain: 0,
      entries: [{ index, term: 2, type: "command", chain: 1, data: new Uint8Array(60) } as Entry],
      commit: 0 as LogIndex,
    });
    a.peer.send([1, 2, 3].map((index) => ({ to: B, message: append(index) })));
    time.advance(10);
    expect(b.heard.map((message) => (message.kind === "peer" ? message.messages.length : 0))).toEqual([
      1, 1, 1,
    ]);
  });

  it("tells Raft who cannot be reached while the broker is gone", () => {
    const { network, a } = build();
    network.disconnect(`node ${A}`);
    a.peer.send([{ to: B, message: HEARTBEAT }]);
    expect(a.heard).toEqual([{ kind: "unreachable", member: B }]);
  });

  it.each<[string, Uint8Array, string]>([
    ["of another cluster", envelope({ clusterId: 0xdn }), SUBJECTS.raft(A, B)],
    ["for another member", envelope({ to: A }), SUBJECTS.raft(A, B)],
    ["of another group", envelope({ group: 1 }), SUBJECTS.raft(A, B)],
    ["whose sender is not the one of its subject", envelope({}), SUBJECTS.raft(0xccn, B)],
    ["that is no envelope", Uint8Array.of(1, 2, 3), SUBJECTS.raft(A, B)],
  ])("drops and counts what is %s", (_what, payload, subject) => {
    const { time, network, b } = build();
    network.connect("someone").publish(subject, payload);
    time.advance(10);
    expect(b.heard).toEqual([]);
    expect(b.peer.dropped).toBe(1);
  });

  it("knows of each member which cluster version its newest start can apply", () => {
    const { time, network, a, b } = build();
    expect(b.peer.clusterVersionMaxOf(A)).toBeUndefined();
    a.peer.send([{ to: B, message: HEARTBEAT }]);
    time.advance(10);
    expect(b.peer.clusterVersionMaxOf(A)).toBe(2);
    // Started anew with a build of before cluster versions.
    network.connect("someone").publish(SUBJECTS.raft(A, B), envelope({ incarnation: 2 }));
    time.advance(10);
    expect(b.peer.clusterVersionMaxOf(A)).toBe(1);
  });

  it("says so when the cluster is at a version that this member cannot apply, and hears nothing of it", () => {
    const { time, network, b } = build();
    const foreign = envelope({ clusterId: 0xdn, clusterVersion: 3 });
    const sender = network.connect("someone");
    for (const payload of [foreign, envelope({ clusterVersion: 2 }), envelope({ clusterVersion: 3 })])
      sender.publish(SUBJECTS.raft(A, B), payload);
    time.advance(10);
    expect(b.outdatedBy).toEqual([[A, 3]]);
    expect(b.heard).toHaveLength(1);
  });

  it("believes only the newest start of a sender, and only one process of it", () => {
    const { time, network, b } = build();
    const sender = network.connect("someone");
    const hear = (fields: Partial<PeerEnvelope>): number => {
      const before = b.heard.length;
      sender.publish(SUBJECTS.raft(A, B), envelope(fields));
      time.advance(10);
      return b.heard.length - before;
    };
    expect(hear({ incarnation: 2, bootNonce: 7 })).toBe(1);
    expect(hear({ incarnation: 1, bootNonce: 5 })).toBe(0);
    expect(hear({ incarnation: 2, bootNonce: 8 })).toBe(0);
    expect(hear({ incarnation: 3, bootNonce: 9 })).toBe(1);
  });
});
