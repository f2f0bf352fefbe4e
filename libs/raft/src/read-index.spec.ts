import { ReadIndexQueue } from "./read-index";
import type { LogIndex, MemberId } from "./types";

const at = (index: number): LogIndex => index as LogIndex;

describe("ReadIndexQueue", () => {
  it("is not confirmed by a round that was sent before", () => {
    const queue = new ReadIndexQueue(10);
    queue.addOwn(1);
    queue.begin(5, at(7));
    expect(queue.confirm(4)).toBeUndefined();
    expect(queue.confirm(6)).toMatchObject({ index: 7, reads: { own: [1] } });
  });

  it("lets what arrives during a round wait for the next", () => {
    const queue = new ReadIndexQueue(10);
    queue.addOwn(1);
    queue.begin(1, at(7));
    queue.addPeer({ member: 2n as MemberId, id: 9 });
    expect(queue.waiting).toBe(false);
    expect(queue.confirm(1)?.reads).toEqual({ own: [1], peers: [] });
    expect(queue.waiting).toBe(true);
  });

  it("counts reads of the round and waiting ones against its limit, and gives all of them back", () => {
    const queue = new ReadIndexQueue(2);
    queue.addOwn(1);
    queue.begin(1, at(7));
    expect([queue.addOwn(2), queue.addOwn(3)]).toEqual([true, false]);
    expect(queue.drain()).toEqual({ own: [1, 2], peers: [] });
    expect(queue.pending).toBe(0);
  });
});
