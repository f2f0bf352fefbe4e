import type { LeaseId } from "@quorate/lease";
import type { LogIndex, Term } from "@quorate/raft";
import type { Command, LeaseChange } from "@quorate/state-machine";
import { encodeProposeResponse, etcdserverpb, type LeaseQuery } from "@quorate/wire";
import { LEASE, LessorBench as Bench, SELF, TERM, TTL_MS, ttlOf } from "../testing/lessor-bench";

const keepAlive: LeaseQuery = { kind: "keep-alive", id: LEASE };
const ended: LeaseChange = { kind: "ended", id: LEASE, sequence: 4 };
/** What a lease has at a leader that has just begun. */
const FIRST_TTL_MS = TTL_MS + 1000;

describe("LessorActor", () => {
  it("answers a renewal only after a round that began since, and only once that much is applied", () => {
    const bench = new Bench().lead();
    const seen = bench.ask(keepAlive);
    expect(bench.confirms).toMatchObject([{ term: TERM }]);
    expect(ttlOf(seen)).toBeUndefined();
    bench.confirm(11);
    expect(ttlOf(seen)).toBeUndefined();
    bench.apply();
    expect(ttlOf(seen)).toBe(10);
  });

  it("refuses what no quorum confirms, and everything while another member leads", () => {
    const bench = new Bench().lead();
    const seen = bench.ask(keepAlive);
    bench.fail();
    expect(ttlOf(seen)).toBe("not-confirmed");
    bench.leadership("follower", 6 as Term, false);
    expect(ttlOf(bench.ask(keepAlive))).toBe("not-leader");
  });

  it("waits for the leases before it answers, and knows those that are granted later", () => {
    const bench = new Bench();
    bench.leadership("leader", TERM, true);
    const seen = bench.ask(keepAlive);
    bench.confirm();
    expect(ttlOf(seen)).toBeUndefined();
    bench.lessor.receive({ kind: "lease-list", term: TERM, leases: [] });
    expect(ttlOf(seen)).toBe(0);
    bench.apply({ kind: "granted", id: LEASE, ttlSeconds: 10, sequence: 11 });
    const later = bench.ask(keepAlive);
    bench.confirm();
    expect(ttlOf(later)).toBe(10);
  });

  it("confirms no renewal that took longer than an election timeout", () => {
    const bench = new Bench().lead();
    const seen = bench.ask(keepAlive);
    bench.time.advance(1001);
    bench.confirm();
    expect(ttlOf(seen)).toBe("not-confirmed");
  });

  it("proposes an expiry only after a round that began when the time was over, pinned to grant and term", () => {
    const bench = new Bench().lead();
    bench.time.advance(FIRST_TTL_MS - 1);
    bench.tick();
    expect(bench.confirms).toHaveLength(0);
    bench.time.advance(1);
    bench.tick();
    expect(bench.proposals).toHaveLength(0);
    bench.confirm();
    expect(bench.proposals).toMatchObject([{ expectedTerm: TERM }]);
    expect(bench.proposed).toEqual([
      { kind: "lease-expire", request: { id: LEASE, sequence: 4, term: TERM } },
    ]);
    bench.tick();
    expect(bench.confirms).toHaveLength(1);
  });

  it("lets a leader that was frozen for long neither expire nor confirm anything", () => {
    const bench = new Bench().lead();
    bench.time.advance(60_000);
    bench.tick();
    const seen = bench.ask(keepAlive);
    bench.leadership("follower", 6 as Term, false); // what the round brings to light
    for (const { settled } of bench.confirms) settled(undefined);
    bench.tick();
    expect(bench.proposals).toHaveLength(0);
    expect(ttlOf(seen)).toBe("not-confirmed");
  });

  it("forgets with its leadership what it was about to do, even if a round is confirmed later", () => {
    const bench = new Bench().lead();
    bench.time.advance(FIRST_TTL_MS);
    bench.tick();
    const [round] = bench.confirms;
    bench.leadership("follower", 6 as Term, false);
    bench.lead([{}], 7 as Term);
    round!.settled(10 as LogIndex);
    expect(bench.proposals).toHaveLength(0);
  });

  it("tries an expiry again that was not confirmed, or refused", () => {
    const bench = new Bench().lead();
    bench.time.advance(FIRST_TTL_MS);
    bench.tick();
    bench.fail();
    bench.tick();
    bench.confirm();
    const refused = encodeProposeResponse({
      kind: "refused",
      refusal: { reason: "overloaded", term: TERM, leader: SELF },
    });
    bench.proposals[0]!.asker.answer(refused);
    bench.tick();
    bench.confirm();
    expect(bench.proposals).toHaveLength(2);
  });

  it("tries an expiry again that an alarm has kept from doing anything", () => {
    const bench = new Bench().lead();
    bench.time.advance(FIRST_TTL_MS);
    bench.tick();
    bench.confirm();
    const failure = { code: "corrupt-cluster", detail: "" } as const;
    const response = encodeProposeResponse({ kind: "results", results: [{ ok: false, failure }] });
    bench.proposals[0]!.asker.answer(response);
    bench.tick();
    bench.confirm();
    expect(bench.proposals).toHaveLength(2);
  });

  it("does not end a lease whose renewal was in time, but confirmed while its expiry was", () => {
    const bench = new Bench().lead();
    bench.time.advance(FIRST_TTL_MS - 1);
    const seen = bench.ask(keepAlive);
    bench.time.advance(1);
    bench.tick();
    const [renewal, expiry] = bench.confirms;
    renewal!.settled(10 as LogIndex);
    expiry!.settled(10 as LogIndex);
    expect(ttlOf(seen)).toBe(10);
    expect(bench.proposals).toHaveLength(0);
    bench.time.advance(TTL_MS);
    bench.tick();
    bench.confirm();
    expect(bench.proposals).toHaveLength(1);
  });

  it("ends a lease whose renewal came too late, and answers it once the lease is gone", () => {
    const bench = new Bench().lead();
    bench.time.advance(FIRST_TTL_MS);
    const seen = bench.ask(keepAlive);
    bench.confirm();
    expect(bench.proposed).toMatchObject([{ kind: "lease-expire" }]);
    expect(ttlOf(seen)).toBeUndefined();
    bench.apply(ended);
    expect(ttlOf(seen)).toBe(0);
  });

  it("takes back in the log what it noted of a long lease before it confirms a renewal", () => {
    const bench = new Bench().lead([{ ttlSeconds: 600 }]);
    bench.time.advance(60_000);
    bench.tick();
    const checkpoint = (remainingSeconds: number): Command => ({
      kind: "lease-checkpoint",
      request: { term: TERM, checkpoints: [{ id: LEASE, sequence: 4, remainingSeconds }] },
    });
    expect(bench.proposed).toEqual([checkpoint(541)]);
    const [first, second] = [bench.ask(keepAlive), bench.ask(keepAlive)];
    for (const { settled } of bench.confirms) settled(10 as LogIndex);
    expect(bench.proposed).toEqual([checkpoint(541), checkpoint(0)]);
    expect([ttlOf(first), ttlOf(second)]).toEqual([undefined, undefined]);
    bench.apply({ kind: "checkpointed", id: LEASE, sequence: 4, remainingSeconds: 541 });
    expect(ttlOf(first)).toBeUndefined();
    bench.apply({ kind: "checkpointed", id: LEASE, sequence: 4, remainingSeconds: 0 });
    expect([ttlOf(first), ttlOf(second)]).toEqual([600, 600]);
    const third = bench.ask(keepAlive);
    bench.confirm();
    expect(ttlOf(third)).toBe(600);
  });

  it("tells what is left of a lease, with its keys if they are wanted", () => {
    const bench = new Bench().lead();
    bench.time.advance(2500);
    const seen = bench.ask(
      { kind: "time-to-live", id: LEASE, keys: true },
      { kind: "time-to-live", id: 8n as LeaseId, keys: true },
    );
    bench.confirm();
    expect(seen.answer).toBeUndefined();
    const query = bench.applierMessages.at(-1)!;
    expect(query).toMatchObject({ kind: "lease-keys", lease: LEASE });
    const id = query.kind === "lease-keys" ? query.id : 0;
    bench.lessor.receive({ kind: "lease-keys", id, keys: [Uint8Array.of(0x61)] });
    const results = seen.answer?.kind === "results" ? seen.answer.results : [];
    const told = results.map((result) => {
      const response = etcdserverpb.LeaseTimeToLiveResponse.decode(
        result.ok ? result.bytes : new Uint8Array(0),
      );
      return [Number(response.TTL), Number(response.grantedTTL), response.keys.length];
    });
    expect(told).toEqual([
      [8, 10, 1],
      [-1, 0, 0],
    ]);
  });

  it("knows nothing any more of an earlier leadership when it leads again", () => {
    const bench = new Bench().lead();
    bench.leadership("follower", (TERM + 1) as Term, false);
    bench.time.advance(FIRST_TTL_MS - 1);
    bench.lead([{ ttlSeconds: 60 }], (TERM + 2) as Term);
    bench.time.advance(1);
    bench.tick();
    expect(bench.confirms).toEqual([]); // the deadline of then would have passed
    const seen = bench.ask(keepAlive);
    bench.confirm();
    expect(ttlOf(seen)).toBe(60);
  });
});
