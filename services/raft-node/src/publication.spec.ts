import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import { UNFOUNDED, type Membership } from "@quorate/state-machine";
import { MemoryNetwork } from "@quorate/transport";
import { decodeMembershipOrder, parseClusterName, Subjects, type MembershipOrder } from "@quorate/wire";
import { Publication } from "./publication";

const LEADER = 2n as MemberId;
const SELF = {
  id: 1n as MemberId,
  name: "n1",
  peerUrls: [],
  clientUrls: ["http://10.0.0.1:2379"],
  learner: false,
};

function membershipWith(members: Membership["members"]): Membership {
  return { ...UNFOUNDED, founded: true, members };
}

const UNSTARTED = membershipWith([{ ...SELF, name: "", clientUrls: [] }]);

describe("Publication", () => {
  let time: VirtualTime;
  let leader: MemberId | undefined;
  let orders: MembershipOrder[];
  let publication: Publication;

  beforeEach(() => {
    time = new VirtualTime();
    leader = LEADER;
    orders = [];
    const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
    const subjects = new Subjects(parseClusterName("c"));
    network.connect("leader").subscribe(subjects.node(LEADER, "membership"), ({ payload }) => {
      orders.push(decodeMembershipOrder(new Uint8Array(payload)));
    });
    const transport = network.connect("member");
    publication = new Publication(
      { self: SELF, clusterVersionMax: 3 },
      { transport, subjects, leader: () => leader },
    );
  });

  function tick(): void {
    publication.tick();
    time.advance(100);
  }

  it("asks the leader to write down the name and the client URLs of a member that is unstarted", () => {
    publication.applied(UNSTARTED);
    tick();
    const { id, name, clientUrls } = SELF;
    const change = { kind: "publish", id, name, clientUrls };
    expect(orders).toMatchObject([{ order: { kind: "change", request: { changeId: 0n, change } } }]);
  });

  it("asks again when there was no answer, but not before", () => {
    publication.applied(UNSTARTED);
    tick();
    tick();
    expect(orders).toHaveLength(1);
    time.advance(2000);
    tick();
    expect(orders).toHaveLength(2);
  });

  it("asks again at once when another change is done, for which it may have been refused", () => {
    publication.applied(UNSTARTED);
    time.advance(2001);
    publication.applied(UNSTARTED);
    time.advance(100);
    expect(orders).toHaveLength(2);
  });

  it("is silent once applied state says the same", () => {
    publication.applied(membershipWith([SELF]));
    tick();
    expect(orders).toEqual([]);
  });

  it("says it anew when its client URLs are others than before", () => {
    publication.applied(membershipWith([{ ...SELF, clientUrls: [] }]));
    tick();
    expect(orders).toHaveLength(1);
  });

  it("says which cluster version it can apply, once the cluster notes that", () => {
    publication.applied(membershipWith([{ ...SELF, clusterVersionMax: 2 }]));
    tick();
    expect(orders).toEqual([]);
    publication.applied({ ...membershipWith([{ ...SELF, clusterVersionMax: 2 }]), clusterVersion: 2 });
    time.advance(100);
    expect(orders).toMatchObject([
      { order: { request: { change: { kind: "publish", clusterVersionMax: 3 } } } },
    ]);
  });

  it("is silent while no leader is known, and when it is no member", () => {
    leader = undefined;
    publication.applied(UNSTARTED);
    tick();
    leader = LEADER;
    publication.applied(membershipWith([]));
    tick();
    expect(orders).toEqual([]);
  });
});
