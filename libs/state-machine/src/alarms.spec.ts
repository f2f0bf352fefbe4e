import type { MemberId } from "@quorate/raft";
import { SINCE } from "./cluster-version";
import type { RequestOp, TxnRequest } from "@quorate/mvcc";
import {
  deleteRequest,
  lease,
  putRequest,
  rangeRequest,
  revision,
  txnRequest,
} from "../../mvcc/src/testing/requests";
import { StateFixture } from "./testing/state-fixture";
import type { AlarmRequest, AlarmType, Command, CommandOutcome } from "./types";

const LEASE = lease(7n);
const put: RequestOp = { kind: "put", request: putRequest("k") };
const del: RequestOp = { kind: "delete-range", request: deleteRequest("k") };
const get: RequestOp = { kind: "range", request: rangeRequest("k") };

function txn(parts: Partial<TxnRequest>): Extract<RequestOp, { kind: "txn" }> {
  return { kind: "txn", request: txnRequest(parts) };
}

function alarm(action: AlarmRequest["action"], type: AlarmType | undefined, memberId = 1n): Command {
  return { kind: "alarm", request: { action, type, memberId } };
}

function applied(state: StateFixture, ...commands: readonly Command[]): readonly CommandOutcome[] {
  return state.apply([state.entry(...commands)]).outcomes[0]!;
}

/** A store with "k" and a lease, and the alarm. */
function alarmed(type: AlarmType): StateFixture {
  const state = new StateFixture();
  const grant: Command = { kind: "lease-grant", request: { id: LEASE, ttlSeconds: 60 } };
  applied(state, put as Command, grant, alarm("activate", type));
  return state;
}

const NEEDS_SPACE: readonly [string, Command][] = [
  ["a put", put as Command],
  ["a grant", { kind: "lease-grant", request: { id: lease(8n), ttlSeconds: 60 } }],
  ["a transaction with a put in the branch taken", txn({ success: [del, put] })],
  ["a transaction with a put in the other branch", txn({ success: [del], failure: [put] })],
  ["a transaction with a put deep inside", txn({ success: [txn({ failure: [txn({ success: [put] })] })] })],
];
const NEEDS_NONE: readonly [string, Command][] = [
  ["a delete", del as Command],
  ["a transaction that only deletes", txn({ success: [del, get], failure: [txn({ success: [del] })] })],
  ["a compaction", { kind: "compact", request: { revision: revision(2), physical: false } }],
  ["a revocation", { kind: "lease-revoke", request: { id: LEASE } }],
  ["an expiry", { kind: "lease-expire", request: { id: LEASE, sequence: 1, term: 1 } }],
];
const CHECKPOINT: Command = {
  kind: "lease-checkpoint",
  request: { term: 1, checkpoints: [{ id: LEASE, sequence: 1, remainingSeconds: 9 }] },
};

/** A cluster of three voters, and a learner. */
function founded(clusterVersion: number = SINCE.corruptByMember): StateFixture {
  const state = new StateFixture();
  const member = (id: bigint) => ({
    id: id as MemberId,
    name: "",
    peerUrls: [`http://n${id}`],
    clientUrls: [],
  });
  const members = [1n, 2n, 3n].map(member);
  applied(state, {
    kind: "membership",
    request: { changeId: 0n, change: { kind: "found", clusterId: 9n, members } },
  });
  const learner = { kind: "add", member: member(4n), learner: true, learnersMax: 1 } as const;
  applied(state, { kind: "membership", request: { changeId: 1n, change: learner } });
  const raise = { kind: "raise-version", version: clusterVersion } as const;
  applied(state, { kind: "membership", request: { changeId: 0n, change: raise } });
  return state;
}

describe("alarms", () => {
  it.each(NEEDS_SPACE)("NOSPACE refuses %s, which then has no effect", (_what, command) => {
    const state = alarmed("no-space");
    const before = state.machine.position.revision;
    expect(applied(state, command)).toEqual([{ ok: false, error: { code: "no-space" } }]);
    expect(state.machine.position.revision).toBe(before);
    expect(applied(state, alarm("deactivate", "no-space"), command)[1]).toMatchObject({ ok: true });
  });

  it.each([...NEEDS_NONE, ["a checkpoint", CHECKPOINT] as const])(
    "NOSPACE lets pass %s",
    (_what, command) => {
      expect(applied(alarmed("no-space"), command)).toMatchObject([{ ok: true }]);
    },
  );

  it.each([...NEEDS_SPACE, ...NEEDS_NONE])("CORRUPT refuses %s, before NOSPACE does", (_what, command) => {
    const state = alarmed("corrupt");
    applied(state, alarm("activate", "no-space"));
    expect(applied(state, command)).toEqual([{ ok: false, error: { code: "corrupt-cluster" } }]);
  });

  it.each<[string, readonly bigint[], boolean]>([
    ["refuses nothing if it names one voter of three", [1n], true],
    ["refuses nothing if it names a voter and a learner", [1n, 4n], true],
    ["refuses changes if it names two voters of three", [1n, 2n], false],
    ["refuses changes if it names nobody", [0n], false],
    ["refuses changes if it names nobody beside a voter", [1n, 0n], false],
    ["refuses changes if it names somebody who is not known", [5n], false],
  ])("CORRUPT %s", (_what, members, isServed) => {
    const state = founded();
    applied(state, ...members.map((id) => alarm("activate", "corrupt", id)));
    expect(applied(state, put as Command)).toMatchObject([{ ok: isServed }]);
  });

  it("CORRUPT refuses changes whomever it names, as long as members apply by the rules of before", () => {
    const state = founded(SINCE.corruptByMember - 1);
    applied(state, alarm("activate", "corrupt", 1n));
    expect(applied(state, put as Command)).toEqual([{ ok: false, error: { code: "corrupt-cluster" } }]);
  });

  it("CORRUPT refuses nothing any more when the voter that it names was removed", () => {
    const state = founded();
    const id = 1n as MemberId;
    applied(state, alarm("activate", "corrupt", id));
    applied(state, { kind: "membership", request: { changeId: 2n, change: { kind: "remove", id } } });
    expect(state.machine.membership.removed).toEqual([id]);
    expect(applied(state, put as Command)).toMatchObject([{ ok: true }]);
  });

  it("CORRUPT lets pass what leaders note, and reads", () => {
    const state = alarmed("corrupt");
    expect(applied(state, CHECKPOINT)).toMatchObject([{ ok: true }]);
    expect(state.machine.read(get as Extract<RequestOp, { kind: "range" }>)).toMatchObject({ ok: true });
  });

  it("answers with the alarm that it activates, finds active, or deactivates", () => {
    const answers = applied(
      new StateFixture(),
      alarm("deactivate", "no-space"),
      alarm("activate", "no-space"),
      alarm("activate", "no-space"),
      alarm("deactivate", "no-space", 2n),
      alarm("deactivate", "corrupt"),
      alarm("deactivate", "no-space"),
      alarm("activate", undefined),
    ).map((outcome) =>
      outcome.ok && outcome.response.kind === "alarm" ? outcome.response.response.alarms.length : -1,
    );
    expect(answers).toEqual([0, 1, 1, 0, 0, 1, 0]);
  });

  it("refuses as long as one of several members is alarmed", () => {
    const state = alarmed("no-space");
    applied(state, alarm("activate", "no-space", 2n), alarm("deactivate", "no-space", 1n));
    expect(applied(state, put as Command)).toMatchObject([{ ok: false }]);
    expect(state.machine.condition.alarms).toEqual([{ type: "no-space", memberId: 2n }]);
  });

  it("takes effect from the next command of the same batch on", () => {
    const state = new StateFixture();
    const outcomes = applied(state, put as Command, alarm("activate", "no-space"), put as Command);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, false]);
  });

  it("survives a restart, and is listed by type and member", () => {
    const state = new StateFixture();
    const largest = 2n ** 64n - 1n;
    applied(
      state,
      alarm("activate", "corrupt", 3n),
      alarm("activate", "no-space", largest),
      alarm("activate", "no-space", 5n),
    );
    state.restart();
    const expected = [
      { type: "no-space", memberId: 5n },
      { type: "no-space", memberId: largest },
      { type: "corrupt", memberId: 3n },
    ];
    expect(state.machine.condition.alarms).toEqual(expected);
    expect(state.machine.read({ kind: "alarms", type: "corrupt" })).toMatchObject({
      response: { alarms: [expected[2]] },
    });
  });

  it("is part of the effect hash", () => {
    const hashAfter = (...commands: Command[]): number => {
      const state = new StateFixture();
      applied(state, ...commands);
      return state.machine.position.effectHash;
    };
    const hashes = [
      hashAfter(alarm("activate", "no-space", 1n)),
      hashAfter(alarm("activate", "no-space", 2n)),
      hashAfter(alarm("activate", "corrupt", 1n)),
      hashAfter(alarm("deactivate", "no-space", 1n)),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
