import type { Revision } from "@quorate/mvcc";
import type { Term } from "@quorate/raft";
import type { EventSeatRequest } from "@quorate/wire";
import { EventSeat } from "./event-seat";

type SourceId = EventSeatRequest["source"];

const [a, b] = [0xan as SourceId, 0xbn as SourceId];
const term = 3 as Term;

function claim(source: SourceId, published = 0) {
  return { source, published: published as Revision };
}

describe("EventSeat", () => {
  it("belongs to whoever asked first, while that one goes on asking", () => {
    const seat = new EventSeat({ holdMs: 100 });
    expect(seat.ask(claim(a), term, 0).holder).toBe(a);
    expect(seat.ask(claim(b), term, 99).holder).toBe(a);
    expect(seat.ask(claim(a), term, 99).holder).toBe(a);
    expect(seat.ask(claim(b), term, 198).holder).toBe(a);
  });

  it("goes to another one when its holder is silent, and not back to the first", () => {
    const seat = new EventSeat({ holdMs: 100 });
    seat.ask(claim(a), term, 0);
    expect(seat.ask(claim(b), term, 100).holder).toBe(b);
    expect(seat.ask(claim(a), term, 101).holder).toBe(b);
  });

  it("tells the next one how far the furthest has published", () => {
    const seat = new EventSeat({ holdMs: 100 });
    seat.ask(claim(a, 7), term, 0);
    seat.ask(claim(b, 5), term, 10);
    expect(seat.ask(claim(b), term, 200)).toEqual({ holder: b, published: 7 });
  });

  it("is free in another term, without forgetting what was published", () => {
    const seat = new EventSeat({ holdMs: 100 });
    seat.ask(claim(a, 7), term, 0);
    expect(seat.ask(claim(b), (term + 1) as Term, 1)).toEqual({ holder: b, published: 7 });
  });
});
