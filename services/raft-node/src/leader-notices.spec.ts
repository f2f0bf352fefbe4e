import { VirtualTime } from "@quorate/actor";
import { seededPrng } from "@quorate/base";
import type { MemberId, Term } from "@quorate/raft";
import { MemoryNetwork } from "@quorate/transport";
import {
  decodeLeaderNotice,
  parseClusterName,
  Subjects,
  type LeaderNotice,
  type NodeMember,
} from "@quorate/wire";
import { LeaderNotices } from "./leader-notices";

const MEMBER = 1n as MemberId;
const SELF: NodeMember = { id: MEMBER, name: "n1", peerUrls: [], clientUrls: [], learner: false };

function build(startedIn: number) {
  const time = new VirtualTime();
  const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
  const subjects = new Subjects(parseClusterName("c"));
  const heard: LeaderNotice[] = [];
  const gateway = network.connect("gateway");
  gateway.subscribe(subjects.leader, ({ payload }) => {
    if (payload.length > 0) heard.push(decodeLeaderNotice(payload));
  });
  const notices = new LeaderNotices(
    { self: SELF, members: [SELF], startedIn: startedIn as Term },
    { transport: network.connect("member"), subjects },
  );
  const run = (): LeaderNotice[] => {
    time.advance(100);
    return heard.splice(0);
  };
  return { notices, gateway, subjects, run };
}

describe("LeaderNotices", () => {
  it("tells at its start, in the term that its member knows, that this member leads no more", () => {
    const { notices, run } = build(3);
    notices.start();
    const [first] = run();
    expect(first).toMatchObject({ sender: MEMBER, term: 3 });
    expect(first!.leader).toBeUndefined();
  });

  it("tells of each change, and whoever asks", () => {
    const { notices, gateway, subjects, run } = build(3);
    notices.start();
    run();
    notices.changed({ term: 4 as Term, leader: MEMBER });
    expect(run()).toMatchObject([{ term: 4, leader: MEMBER }]);
    gateway.publish(subjects.leader, new Uint8Array(0));
    expect(run()).toMatchObject([{ term: 4, leader: MEMBER }]);
  });
});
