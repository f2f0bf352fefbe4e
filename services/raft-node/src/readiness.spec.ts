import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { LogIndex, MemberId } from "@quorate/raft";
import { MemoryNetwork } from "@quorate/transport";
import { encodeNodeStatus, parseClusterName, Subjects, type NodeStatus } from "@quorate/wire";
import { nodeReadiness } from "./readiness";

const SELF = 1n as MemberId;
const LEADER = 2n as MemberId;
const STATUS = {
  clusterId: 9n,
  members: [],
  alarms: [],
  unsafeOptions: [],
  integrity: { stateScrubs: 0, logScrubs: 0, hashChecks: 0 },
};

// The leader is at index 5000; up to 100 entries behind is close enough.
function build() {
  const time = new VirtualTime();
  const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
  const subjects = new Subjects(parseClusterName("c"));
  const own = {
    leader: LEADER as MemberId | undefined,
    commitIndex: 5000 as LogIndex,
    appliedIndex: 5000 as LogIndex,
    isServing: true,
  };
  const { broker, member } = nodeReadiness(
    { memberId: SELF, lagEntriesMax: 100, answerMs: 1000 },
    {
      status: () => own,
      isServing: () => own.isServing,
      transport: network.connect("member"),
      subjects,
    },
  );
  const leader = network.connect("leader");
  const answering = leader.subscribe(subjects.node(LEADER, "status"), ({ reply }) => {
    const status = { ...STATUS, memberId: LEADER, commitIndex: 5000 } as unknown as NodeStatus;
    leader.publish(reply!, encodeNodeStatus(status));
  });
  time.advance(100);
  const faults = (): Record<string, string> => {
    const found: Record<string, string> = {};
    for (const check of [broker, ...member])
      check.run((fault) => {
        if (fault !== undefined) found[check.name] = fault;
      });
    time.advance(2000);
    return found;
  };
  return { own, network, answering, faults };
}

describe("the readiness of a member", () => {
  it("finds nothing wrong with one that has applied what the leader has committed", () => {
    const { own, faults } = build();
    expect(faults()).toEqual({});
    own.appliedIndex = 4900 as LogIndex;
    expect(faults()).toEqual({});
  });

  it("is not fooled by one that joins, and has applied all of the little it knows to be committed", () => {
    const { own, faults } = build();
    own.commitIndex = own.appliedIndex = 10 as LogIndex;
    expect(faults()).toEqual({ caught_up: "4990 entries behind the leader" });
  });

  it("needs a leader, and one that answers", () => {
    const { own, answering, faults } = build();
    answering.unsubscribe();
    expect(faults()).toEqual({ caught_up: "the leader does not answer" });
    own.leader = undefined;
    expect(faults()).toEqual({ caught_up: "no leader is known" });
  });

  it("holds a leader against its own log, without asking anybody", () => {
    const { own, answering, faults } = build();
    answering.unsubscribe();
    own.leader = SELF;
    expect(faults()).toEqual({});
    own.appliedIndex = 4899 as LogIndex;
    expect(faults()).toEqual({ caught_up: "101 entries behind the leader" });
  });

  it("is not given while the member has a hole, or no broker", () => {
    const { own, network, faults } = build();
    own.isServing = false;
    expect(faults()).toHaveProperty("serving");
    own.isServing = true;
    network.disconnect("member");
    expect(faults()).toEqual({
      broker_connection: "no connection to a broker",
      caught_up: "the leader does not answer",
    });
  });
});
