import { VirtualTime } from "@quorate/actor";
import { EMPTY_BYTES } from "@quorate/base";
import { etcdserverpb, messageToJson } from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import { testGateway } from "../testing/test-gateway";

const CONTEXT = { timeoutMs: Infinity, requireLeader: false };

function build() {
  const time = new VirtualTime();
  const { gateway, nodes } = testGateway({ clock: time, scheduler: time }, { homeMember: undefined });
  nodes[1].leads(5);
  time.advance(1000);
  const status = (withinMs: number): unknown => {
    const outcomes: CallOutcome[] = [];
    gateway.cluster.status(EMPTY_BYTES, CONTEXT, (outcome) => void outcomes.push(copied(outcome)));
    time.advance(withinMs);
    const [outcome] = outcomes;
    return outcome?.kind === "ok" ? messageToJson("etcdserverpb.StatusResponse", outcome.bytes) : outcome;
  };
  return { gateway, nodes, status, advance: (ms: number) => time.advance(ms) };
}

function copied(outcome: CallOutcome): CallOutcome {
  return outcome.kind === "ok" ? { kind: "ok", bytes: Uint8Array.from(outcome.bytes) } : outcome;
}

describe("the status of a gateway that stands for the whole cluster", () => {
  it("is the leader's", () => {
    expect(build().status(10)).toMatchObject({ header: { member_id: "2" } });
  });

  it("tells sizes, the quota and the alarms, in Go's words", () => {
    const { nodes, status } = build();
    nodes[1].alarms = [
      { type: "no-space", memberId: 2n ** 64n - 1n },
      { type: "corrupt", memberId: 0n },
    ];
    expect(status(10)).toMatchObject({
      dbSize: "4096",
      dbSizeInUse: "1024",
      dbSizeQuota: `${2 ** 30}`,
      errors: ["memberID:18446744073709551615 alarm:NOSPACE ", "alarm:CORRUPT "],
    });
  });

  it("tells which options must not be left on", () => {
    const { nodes, status } = build();
    nodes[1].unsafeOptions = ["--force-new-cluster"];
    expect(status(10)).toMatchObject({ errors: ["unsafe option in use: --force-new-cluster"] });
  });

  it("is another member's if the leader does not answer", () => {
    const { nodes, status } = build();
    nodes[1].tellsStatus = false;
    expect(status(2000)).toMatchObject({ header: { member_id: expect.stringMatching(/^[13]$/) as string } });
  });

  it("is an error if nobody answers", () => {
    const { nodes, status } = build();
    for (const node of nodes) node.tellsStatus = false;
    expect(status(7000)).toMatchObject({ kind: "failed", failure: { code: "member-unreachable" } });
  });
});

describe("a downgrade", () => {
  const { CANCEL, ENABLE, VALIDATE } = etcdserverpb.DowngradeRequest.DowngradeAction;

  function downgrade(request: etcdserverpb.DowngradeRequest.$Properties): CallOutcome | undefined {
    const { gateway, advance } = build();
    const outcomes: CallOutcome[] = [];
    const bytes = etcdserverpb.DowngradeRequest.encode(request).finish();
    gateway.cluster.downgrade(bytes, CONTEXT, (outcome) => void outcomes.push(copied(outcome)));
    advance(10);
    return outcomes[0];
  }

  it.each([
    [VALIDATE, "3.5", "bad-downgrade-target"],
    [ENABLE, "3.5.0", "bad-downgrade-target"],
    [ENABLE, "3", "bad-downgrade-version"],
    [VALIDATE, "", "bad-downgrade-version"],
  ])("has no valid target: action %s to %j", (action, version, code) => {
    expect(downgrade({ action, version })).toMatchObject({ kind: "failed", failure: { code } });
  });

  it("is never on its way, and can always be cancelled", () => {
    const outcome = downgrade({ action: CANCEL });
    expect(
      outcome?.kind === "ok" && messageToJson("etcdserverpb.DowngradeResponse", outcome.bytes),
    ).toMatchObject({ header: { member_id: "2", revision: "7" }, version: "3.6.0" });
  });
});
