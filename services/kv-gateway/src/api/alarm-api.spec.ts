import { VirtualTime } from "@quorate/actor";
import { decodeCommand, etcdserverpb } from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import { testGateway, type TestGateway } from "../testing/test-gateway";

const CONTEXT = { timeoutMs: Infinity, requireLeader: false };
const { ACTIVATE, DEACTIVATE } = etcdserverpb.AlarmRequest.AlarmAction;
const { NOSPACE } = etcdserverpb.AlarmType;

describe("AlarmApi", () => {
  let time: VirtualTime;
  let parts: TestGateway;

  beforeEach(() => {
    time = new VirtualTime();
    parts = testGateway({ clock: time, scheduler: time });
    parts.nodes[0].leads(5);
    time.advance(10);
  });

  function call(request: etcdserverpb.AlarmRequest.$Properties): CallOutcome | undefined {
    let seen: CallOutcome | undefined;
    const bytes = etcdserverpb.AlarmRequest.encode(request).finish();
    parts.gateway.alarms.alarm(bytes, CONTEXT, (outcome) => void (seen = outcome));
    time.advance(100);
    return seen;
  }

  it("shows alarms as a quorum knows them, without an entry in the log", () => {
    expect(call({ alarm: NOSPACE })).toMatchObject({ kind: "ok" });
    const reads = parts.nodes.flatMap((node) => node.reads);
    expect(reads).toMatchObject([{ serializable: false, reads: [{ kind: "alarms" }] }]);
    expect(parts.nodes.flatMap((node) => node.proposals)).toEqual([]);
  });

  it.each([
    ["activates", ACTIVATE, "activate"],
    ["deactivates", DEACTIVATE, "deactivate"],
  ] as const)("%s through the log", (_verb, action, expected) => {
    expect(call({ action, alarm: NOSPACE, memberID: 9 })).toMatchObject({ kind: "ok" });
    const commands = parts.nodes[0].proposals.flatMap((proposal) => proposal.commands);
    expect(commands.map(decodeCommand)).toEqual([
      { kind: "alarm", request: { action: expected, type: "no-space", memberId: 9n } },
    ]);
  });
});
