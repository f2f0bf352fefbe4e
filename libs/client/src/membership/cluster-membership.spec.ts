import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import { MemoryNetwork } from "@quorate/transport";
import { etcdserverpb, parseClusterName, Subjects, type ApiService } from "@quorate/wire";
import { QuorateClient } from "../quorate-client";

const pb = etcdserverpb;
const header = { clusterId: 9, memberId: 1, raftTerm: 4 };
const members = [
  { ID: 1, name: "n1" },
  { ID: 7, peerURLs: ["http://h:1"], isLearner: true },
];
const change = {
  header: { clusterId: 9n, memberId: 1n, revision: 0, term: 4 },
  members: [
    { id: 1n, name: "n1", isLearner: false, peerUrls: [], clientUrls: [] },
    { id: 7n, name: "", isLearner: true, peerUrls: ["http://h:1"], clientUrls: [] },
  ],
};

describe("ClusterMembership", () => {
  let time: VirtualTime;
  let network: MemoryNetwork;
  let client: QuorateClient;
  const subjects = new Subjects(parseClusterName("c"));

  beforeEach(() => {
    time = new VirtualTime();
    network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
    const transport = network.connect("client");
    client = new QuorateClient({ cluster: "c" }, { transport, clock: time, scheduler: time });
  });

  /** @param response `undefined`: nobody answers. @returns What was asked. */
  function serve(service: ApiService, method: string, response: Uint8Array | undefined): Uint8Array[] {
    const asked: Uint8Array[] = [];
    const gateway = network.connect("gateway");
    gateway.subscribe(subjects.api(service, method), ({ payload, reply }) => {
      asked.push(payload.slice());
      if (response !== undefined) gateway.publish(reply!, response);
    });
    return asked;
  }

  async function settled<T>(call: Promise<T>): Promise<T> {
    call.catch(() => undefined);
    time.advance(10_000);
    return call;
  }

  it("adds a learner, and tells its id", async () => {
    const answer = pb.MemberAddResponse.encode({ header, member: members[1]!, members }).finish();
    const asked = serve("cluster", "memberadd", answer);
    const added = await settled(client.membership.add({ peerUrls: ["http://h:1"], isLearner: true }));
    expect(added).toEqual({ ...change, member: change.members[1] });
    expect(asked.map((bytes) => pb.MemberAddRequest.decode(bytes))).toMatchObject([
      { peerURLs: ["http://h:1"], isLearner: true },
    ]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["memberremove", () => client.membership.remove(7n)],
    ["memberpromote", () => client.membership.promote(7n)],
    ["memberupdate", () => client.membership.update(7n, ["http://h:2"])],
  ])("asks for %s, and tells who is a member afterwards", async (method, call) => {
    const asked = serve("cluster", method, pb.MemberRemoveResponse.encode({ header, members }).finish());
    expect(await settled(call())).toEqual(change);
    const [request] = asked.map((bytes) => pb.MemberUpdateRequest.decode(bytes));
    expect(request?.ID.toString()).toBe("7");
    if (method === "memberupdate") expect(request?.peerURLs).toEqual(["http://h:2"]);
  });

  it("moves the leadership", async () => {
    const asked = serve("maintenance", "moveleader", new Uint8Array(0));
    await settled(client.membership.moveLeader(7n));
    expect(pb.MoveLeaderRequest.decode(asked[0]!).targetID.toString()).toBe("7");
  });

  it("does not try an order again that nobody answered, and calls it unknown", async () => {
    const asked = serve("cluster", "memberremove", undefined);
    await expect(settled(client.membership.remove(7n))).rejects.toMatchObject({ outcome: "unknown" });
    expect(asked).toHaveLength(1);
  });
});
