import { checkClusterShape } from "./cluster-shape";

describe("checkClusterShape", () => {
  it("has nothing against three members, each with a broker of its own", async () => {
    expect(await checkClusterShape({ voters: 3, brokers: [], startsBroker: true })).toMatchObject([
      { state: "ok" },
    ]);
  });

  it("warns of an even number", async () => {
    expect(await checkClusterShape({ voters: 4, brokers: [], startsBroker: true })).toMatchObject([
      { state: "warning", subject: "members" },
    ]);
  });

  it("says nothing of brokers that do not answer, nor of members that it does not know", async () => {
    const brokers = ["nats://127.0.0.1:1"];
    expect(await checkClusterShape({ voters: 3, brokers, startsBroker: false })).toMatchObject([
      { state: "ok" },
    ]);
    expect(await checkClusterShape({ voters: undefined, brokers, startsBroker: false })).toEqual([]);
  });
});
