import { CommandError } from "../command-error";
import {
  checkWishes,
  initialCluster,
  newTopology,
  nextName,
  parseTopology,
  presentMembers,
  topologyText,
  withMember,
  withoutMember,
} from "./topology";

const anything = { cluster: undefined, members: undefined };

function counter(): () => bigint {
  let next = 0xa0n;
  return () => next++;
}

describe("newTopology", () => {
  it("names three members of a cluster called dev unless told otherwise", () => {
    const topology = newTopology(anything, counter());
    expect(topology).toEqual({
      cluster: "dev",
      clusterId: "a0",
      members: [
        { name: "n1", memberId: "a1" },
        { name: "n2", memberId: "a2" },
        { name: "n3", memberId: "a3" },
      ],
      initialized: false,
    });
    expect(initialCluster(topology)).toBe("n1=a1,n2=a2,n3=a3");
  });
});

describe("parseTopology", () => {
  it("reads what was written", () => {
    const topology = { ...newTopology({ cluster: "blue", members: 5 }, counter()), initialized: true };
    expect(parseTopology(topologyText(topology), "topology.json")).toEqual(topology);
  });

  it.each([
    "",
    "{}",
    "[]",
    '{"cluster":"a","clusterId":"zz","members":[]}',
    '{"cluster":"a","clusterId":"1","members":[]}',
  ])("tells what to do about damage: %p", (text) => {
    expect(() => parseTopology(text, "topology.json")).toThrow(/topology.json is damaged: .*--fresh/);
  });
});

describe("a topology whose members come and go", () => {
  const founded = newTopology(anything, counter());
  const grown = withMember(founded, { name: "n4", memberId: "d4" });
  const topology = withoutMember(grown, "n2");

  it("knows who is there, and with whom it began", () => {
    expect(presentMembers(topology).map(({ name }) => name)).toEqual(["n1", "n3", "n4"]);
    expect(initialCluster(topology)).toBe("n1=a1,n2=a2,n3=a3");
  });

  it("gives no name twice", () => {
    expect(nextName(founded)).toBe("n4");
    expect(nextName(withoutMember(grown, "n4"))).toBe("n5");
  });

  it("is read as it was written", () => {
    expect(parseTopology(topologyText(topology), "topology.json")).toEqual(topology);
  });
});

describe("checkWishes", () => {
  const topology = newTopology(anything, counter());

  it("takes the cluster that is there if nothing else was asked for", () => {
    expect(() => checkWishes(topology, anything, "d")).not.toThrow();
    expect(() => checkWishes(topology, { cluster: "dev", members: 3 }, "d")).not.toThrow();
  });

  it.each([
    { cluster: undefined, members: 5 },
    { cluster: "other", members: undefined },
  ])("refuses to turn it into another one: %p", (wishes) => {
    expect(() => checkWishes(topology, wishes, "d")).toThrow(CommandError);
  });
});
