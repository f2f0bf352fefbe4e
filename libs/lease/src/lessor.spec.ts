import * as fc from "fast-check";
import { Lessor } from "./lessor";
import type { LeaseId, LeaseRecord } from "./types";

const OPTIONS = { electionTimeoutMs: 1000, checkpointEveryMs: 60_000, expiriesPerSecondMax: 750 };

function record(id: number, ttlSeconds: number, rest: Partial<LeaseRecord> = {}): LeaseRecord {
  return { id: BigInt(id) as LeaseId, ttlSeconds, sequence: id, remainingSeconds: 0, ...rest };
}

function primary(options: Partial<typeof OPTIONS> = {}): Lessor {
  const lessor = new Lessor({ ...OPTIONS, ...options });
  lessor.promote([], 0);
  return lessor;
}

function idsOf(leases: readonly { readonly id: LeaseId }[]): number[] {
  return leases.map(({ id }) => Number(id));
}

const id = (of: number): LeaseId => BigInt(of) as LeaseId;

describe("Lessor", () => {
  it("lets a lease end when its TTL has passed since the grant, and not before", () => {
    const lessor = primary();
    lessor.grant(record(1, 5), 1000);
    expect(lessor.takeExpired(5999, 10)).toEqual([]);
    expect(idsOf(lessor.takeExpired(6000, 10))).toEqual([1]);
  });

  it("counts from the last renewal, however often a lease was renewed", () => {
    const lessor = primary();
    lessor.grant(record(1, 5), 0);
    for (let now = 1000; now <= 20_000; now += 1000) expect(lessor.renew(id(1), now)).toBe(true);
    expect(lessor.takeExpired(24_999, 10)).toEqual([]);
    expect(idsOf(lessor.takeExpired(25_000, 10))).toEqual([1]);
  });

  it("hands out what has expired once, the earliest first, and again only if it is handed back", () => {
    const lessor = primary();
    for (const [at, ttl] of [4, 2, 3, 2].entries()) lessor.grant(record(at + 1, ttl), 0);
    expect(idsOf(lessor.takeExpired(3000, 2))).toEqual([2, 4]);
    expect(idsOf(lessor.takeExpired(3000, 2))).toEqual([3]);
    lessor.postpone(id(2));
    expect(idsOf(lessor.takeExpired(3000, 9))).toEqual([2]);
  });

  it("forgets a lease that ended, and takes a new one under its id for another", () => {
    const lessor = primary();
    lessor.grant(record(1, 2), 0);
    lessor.end(id(1));
    expect(lessor.renew(id(1), 1)).toBe(false);
    lessor.grant(record(1, 9, { sequence: 77 }), 1000);
    expect(lessor.takeExpired(9999, 10)).toEqual([]);
    expect(lessor.takeExpired(10_000, 10)).toMatchObject([{ sequence: 77 }]);
  });

  it("keeps nothing of what ended, even of leases that would have lived for years", () => {
    const lessor = primary();
    for (let at = 1; at <= 20_000; at += 1) {
      lessor.grant(record(at, 1e9), 0);
      lessor.end(id(at));
    }
    expect(lessor.size).toBe(0);
    expect(lessor.takeExpired(1e15, 10)).toEqual([]);
  });

  it("gives every lease all of its time, or what was noted of it, and an election timeout, when it takes over", () => {
    const lessor = new Lessor(OPTIONS);
    lessor.promote([record(1, 5), record(2, 600, { remainingSeconds: 70 })], 10_000);
    expect(lessor.find(id(1))).toMatchObject({ deadline: 16_000, checkpointed: false });
    expect(lessor.find(id(2))).toMatchObject({ deadline: 81_000, checkpointed: true });
  });

  it("spreads leases that would all end at once after a change of leader", () => {
    const lessor = new Lessor({ ...OPTIONS, expiriesPerSecondMax: 100 });
    lessor.promote(
      Array.from({ length: 1000 }, (_, at) => record(at + 1, 5)),
      0,
    );
    for (let second = 0; second < 10; second += 1) {
      expect(lessor.takeExpired(6000 + second * 1000, 5000)).toHaveLength(100);
    }
  });

  it("has no deadlines while another member leads", () => {
    const lessor = primary();
    lessor.grant(record(1, 2), 0);
    lessor.demote();
    expect(lessor.takeExpired(1e9, 10)).toEqual([]);
    expect(lessor.renew(id(1), 0)).toBe(false);
    lessor.grant(record(2, 2), 0);
    expect(lessor.size).toBe(0);
  });

  it("notes the rest of a long lease every interval, rounded up, until little is left", () => {
    const lessor = primary();
    lessor.grant(record(1, 200), 500);
    lessor.grant(record(2, 100), 500);
    expect(lessor.takeCheckpoints(60_499, 10)).toEqual([]);
    expect(lessor.takeCheckpoints(60_501, 10)).toEqual([{ id: id(1), sequence: 1, remainingSeconds: 140 }]);
    expect(lessor.find(id(1))).toMatchObject({ checkpointed: true });
    expect(lessor.takeCheckpoints(120_501, 10)).toMatchObject([{ remainingSeconds: 80 }]);
    expect(lessor.takeCheckpoints(500_000, 10)).toEqual([]);
  });

  it("begins to note anew after a renewal", () => {
    const lessor = primary();
    lessor.grant(record(1, 200), 0);
    expect(lessor.takeCheckpoints(60_000, 10)).toHaveLength(1);
    lessor.renew(id(1), 100_000);
    lessor.checkpointCleared(id(1));
    expect(lessor.find(id(1))).toMatchObject({ checkpointed: false });
    expect(lessor.takeCheckpoints(159_999, 10)).toEqual([]);
    expect(lessor.takeCheckpoints(160_000, 10)).toMatchObject([{ remainingSeconds: 140 }]);
  });

  it("does what a plain list of deadlines does", () => {
    const ids = fc.integer({ min: 1, max: 6 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant("grant" as const), id: ids, ttl: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant("renew" as const), id: ids }),
      fc.record({ kind: fc.constant("end" as const), id: ids }),
      fc.record({ kind: fc.constant("take" as const), countMax: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant("postpone" as const), id: ids }),
      fc.record({ kind: fc.constant("change leader" as const) }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 4000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const lessor = primary();
        const model = new Map<number, { ttl: number; deadline: number; taken: boolean }>();
        let now = 0;
        for (const action of steps) {
          switch (action.kind) {
            case "grant":
              lessor.grant(record(action.id, action.ttl), now);
              model.set(action.id, { ttl: action.ttl, deadline: now + action.ttl * 1000, taken: false });
              break;
            case "renew": {
              const lease = model.get(action.id);
              expect(lessor.renew(id(action.id), now)).toBe(lease !== undefined);
              if (lease !== undefined) lease.deadline = Math.max(lease.deadline, now + lease.ttl * 1000);
              break;
            }
            case "end":
              lessor.end(id(action.id));
              model.delete(action.id);
              break;
            case "postpone": {
              lessor.postpone(id(action.id));
              const lease = model.get(action.id);
              if (lease !== undefined) lease.taken = false;
              break;
            }
            case "take": {
              const due = [...model]
                .filter(([, lease]) => !lease.taken && lease.deadline <= now)
                .sort(([a, x], [b, y]) => x.deadline - y.deadline || a - b)
                .slice(0, action.countMax);
              expect(idsOf(lessor.takeExpired(now, action.countMax))).toEqual(due.map(([of]) => of));
              for (const [, lease] of due) lease.taken = true;
              break;
            }
            case "change leader": {
              const records = [...model].map(([of, { ttl }]) => record(of, ttl));
              lessor.demote();
              lessor.promote(records, now);
              for (const lease of model.values()) {
                lease.deadline = now + 1000 + lease.ttl * 1000;
                lease.taken = false;
              }
              break;
            }
            case "wait":
              now += action.ms;
          }
          expect(lessor.size).toBe(model.size);
          for (const [of, { deadline }] of model) expect(lessor.find(id(of))?.deadline).toBe(deadline);
        }
      }),
      { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 1000) },
    );
  });
});
