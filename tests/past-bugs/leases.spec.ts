import type { LeaseId } from "@quorate/lease";
import type { LogIndex, Term } from "@quorate/raft";
import type { Command } from "@quorate/state-machine";
import type { LeaseQuery } from "@quorate/wire";
import { Lessor } from "../../libs/lease/src/lessor";
import { deleteRequest, lease, putRequest } from "../../libs/mvcc/src/testing/requests";
import { StateFixture } from "../../libs/state-machine/src/testing/state-fixture";
import { LEASE, LessorBench, TERM, ttlOf } from "../../services/raft-node/src/testing/lessor-bench";

const keepAlive: LeaseQuery = { kind: "keep-alive", id: LEASE };
const grant = (id: number, ttlSeconds = 600): Command => ({
  kind: "lease-grant",
  request: { id: lease(BigInt(id)), ttlSeconds },
});
const revoke = (id: number): Command => ({ kind: "lease-revoke", request: { id: lease(BigInt(id)) } });
const expire = (id: number, sequence: number, term: number): Command => ({
  kind: "lease-expire",
  request: { id: lease(BigInt(id)), sequence, term },
});
const put = (key: string, id: number): Command => ({
  kind: "put",
  request: putRequest(key, "", { lease: lease(BigInt(id)) }),
});
const keys = (state: StateFixture): number => state.rows("latest").length;

describe("leases", () => {
  it("etcd #15247: a leader that was stuck while another was elected revokes nothing when it wakes", () => {
    const bench = new LessorBench().lead();
    bench.time.advance(10 * 60_000); // its disk hung; by its clock the lease is over
    bench.tick();
    expect(bench.proposals).toEqual([]); // first it asks whether it leads at all
    for (const { settled } of bench.confirms) settled(undefined);
    bench.leadership("follower", (TERM + 1) as Term, false);
    bench.tick();
    expect(bench.proposals).toEqual([]);
  });

  it("etcd #15247: nor does it acknowledge renewals, of which the new leader knows nothing", () => {
    const bench = new LessorBench().lead();
    bench.time.advance(5000);
    const seen = bench.ask(keepAlive);
    expect(ttlOf(seen)).toBeUndefined();
    bench.fail(); // no quorum answers
    expect(ttlOf(seen)).toBe("not-confirmed");
  });

  it("etcd #12528: an expiry that a deposed leader had on its way changes nothing in another term", () => {
    const state = new StateFixture();
    state.apply([{ index: 1, term: 1, commands: [grant(7), put("k", 7)] }]);
    state.apply([{ index: 2, term: 2, commands: [expire(7, 1, 1)] }]); // found in term 1, committed in term 2
    expect([keys(state), state.events(2).length]).toEqual([1, 1]);
    state.apply([{ index: 3, term: 2, commands: [expire(7, 1, 2)] }]);
    expect(keys(state)).toBe(0);
  });

  it("etcd #12528: nor does one for an earlier lease of the same id", () => {
    const state = new StateFixture();
    state.apply([{ index: 1, term: 1, commands: [grant(7), put("k", 7), revoke(7)] }]);
    state.apply([{ index: 2, term: 1, commands: [grant(7), put("k", 7)] }]);
    state.apply([{ index: 3, term: 1, commands: [expire(7, 1, 1)] }]);
    expect(keys(state)).toBe(1);
  });

  it("etcd #9888, #17132: a lease of ten minutes ends although its leader changes every five, however often", () => {
    const options = { electionTimeoutMs: 1000, checkpointEveryMs: 60_000, expiriesPerSecondMax: 750 };
    let record = { id: 7n as LeaseId, ttlSeconds: 600, sequence: 1, remainingSeconds: 0 };
    let now = 0;
    let leaders = 0;
    for (; leaders < 10; leaders += 1) {
      const lessor = new Lessor(options);
      lessor.promote([record], now);
      const until = now + 300_000;
      for (; now < until; now += 1000) {
        for (const { remainingSeconds } of lessor.takeCheckpoints(now, 10))
          record = { ...record, remainingSeconds };
        if (lessor.takeExpired(now, 10).length > 0) break;
      }
      if (now < until) break;
    }
    expect(leaders).toBeLessThanOrEqual(3);
    expect(now).toBeGreaterThan(600_000); // and not a moment too early
  });

  it("etcd #13508: what was noted of a lease is kept with it, over restarts", () => {
    const state = new StateFixture();
    state.apply([{ index: 1, term: 1, commands: [grant(7)] }]);
    const checkpoint: Command = {
      kind: "lease-checkpoint",
      request: { term: 1, checkpoints: [{ id: lease(7n), sequence: 1, remainingSeconds: 300 }] },
    };
    const { leases } = state.apply([{ index: 2, term: 1, commands: [checkpoint] }]);
    expect(leases).toMatchObject([{ kind: "checkpointed", remainingSeconds: 300 }]);
    const before = state.rows("lease");
    state.restart();
    expect(state.rows("lease")).toEqual(before);
    expect([...state.machine.leases()]).toMatchObject([{ ttlSeconds: 600, remainingSeconds: 300 }]);
  });

  it("etcd #9924: a renewal after that is acknowledged only when the log says that it is void", () => {
    const bench = new LessorBench().lead([{ ttlSeconds: 600 }]);
    bench.time.advance(60_000);
    bench.tick();
    const seen = bench.ask(keepAlive);
    bench.confirm();
    expect(ttlOf(seen)).toBeUndefined();
    expect(bench.proposed.at(-1)).toMatchObject({ request: { checkpoints: [{ remainingSeconds: 0 }] } });
    bench.apply({ kind: "checkpointed", id: LEASE, sequence: 4, remainingSeconds: 0 });
    expect(ttlOf(seen)).toBe(600);
  });

  it("etcd #6093: deleting or moving keys whose lease is on its way out stops nobody", () => {
    const del: Command = { kind: "delete-range", request: deleteRequest("k") };
    const state = new StateFixture();
    state.apply([
      { index: 1, term: 1, commands: [grant(7), grant(8), put("k", 7), put("m", 7), put("m", 8)] },
    ]);
    const { outcomes } = state.apply([
      { index: 2, term: 1, commands: [del, revoke(7), del, revoke(7), revoke(8)] },
    ]);
    expect(outcomes[0]!.map(({ ok }) => ok)).toEqual([true, true, true, false, true]);
    expect([keys(state), state.rows("lease")]).toEqual([0, []]);
  });

  it("etcd #14019: every lease that is listed can be revoked, and none is left behind", () => {
    const state = new StateFixture();
    const ids = Array.from({ length: 50 }, (_, at) => at + 1);
    state.apply([{ index: 1, term: 1, commands: ids.map((id) => grant(id, 5)) }]);
    state.restart();
    const listed = state.machine.read({ kind: "leases" });
    if (!listed.ok || listed.kind !== "leases") throw new Error("no list");
    expect(listed.response.ids).toHaveLength(50);
    const commands = listed.response.ids.map((id) => revoke(Number(id)));
    const { outcomes } = state.apply([{ index: 2, term: 1, commands }]);
    expect(outcomes[0]!.every(({ ok }) => ok)).toBe(true);
    expect(state.rows("lease")).toEqual([]);
  });

  it("etcd #14019: an expiry that could not be written down is tried again until it is", () => {
    const bench = new LessorBench().lead();
    bench.time.advance(60_000);
    for (let times = 0; times < 3; times += 1) {
      bench.tick();
      bench.fail();
    }
    expect(bench.proposals).toEqual([]);
    bench.tick();
    expect(bench.confirms).toHaveLength(4);
    bench.confirm(10 as LogIndex);
    expect(bench.proposed).toMatchObject([{ kind: "lease-expire", request: { id: LEASE } }]);
  });
});
