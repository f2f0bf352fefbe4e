import * as fc from "fast-check";
import type { LeaseRecord } from "@quorate/lease";
import type { Event, Revision } from "@quorate/mvcc";
import { rangeRequest } from "../../mvcc/src/testing/requests";
import {
  commands as storeCommands,
  rangeRequests,
  readOnlyTxnRequests,
  resolveRevisions,
} from "../../mvcc/src/testing/request-arbitraries";
import { ALL_CLEAR, alarmCommands } from "./testing/alarm-arbitraries";
import { leaseCommands, resolveSequences } from "./testing/lease-arbitraries";
import { NaiveState } from "./testing/naive-state";
import { StateFixture } from "./testing/state-fixture";
import type { Command, CommandOutcome, CommittedEntry, LeaseChange, ReadCommand } from "./types";

/*
 * The state machine against a model that recomputes everything from a list of all changes. Random commands in random
 * batches, with reads, event replay, restarts and steps of physical compaction in between; afterwards every readable
 * revision is compared once more.
 */
const RUNS = Number(process.env["PROPERTY_RUNS"] ?? 1000);
/** Shrinking a failure can take for ever: then the smallest one found so far has to do. */
const LIMITS = { interruptAfterTimeLimit: 90_000, markInterruptAsFailure: true };
jest.setTimeout(120_000);

type Step = fc.Command<NaiveState, StateFixture>;

class ApplyBatch implements Step {
  constructor(readonly entries: readonly (readonly Command[])[]) {}

  check = (): boolean => true;

  run(model: NaiveState, real: StateFixture): void {
    const from = model.revision + 1;
    const first = real.machine.position.index + 1;
    const lists = resolveSequences(resolveRevisions(this.entries, model.revision), model);
    const entries = lists.map((list, at) => ({ index: first + at, term: 1, commands: list }));
    const { outcomes, events, leases } = real.apply(entries);
    const expected = entries.map((entry) => entry.commands.map((command) => model.execute(command, entry)));
    same("outcomes", outcomes, expected);
    same("changes of leases", leases, model.takeChanges());
    same("leases", sorted(real.machine.leases()), sorted(model.records()));
    for (const { id } of model.records()) {
      same("attached keys", real.machine.leaseKeys(id), model.keysOf(id));
    }
    same("events", events, model.eventsFrom(from));
    same("alarms", real.machine.condition.alarms, model.alarms());
    checkStoredBytes(real);
    same(
      "position",
      { ...real.machine.position, effectHash: 0 },
      position(model, first + entries.length - 1),
    );
  }

  toString(): string {
    return `apply ${canonical(this.entries)}`;
  }
}

class Read implements Step {
  constructor(readonly command: ReadCommand) {}

  check = (): boolean => true;

  run(model: NaiveState, real: StateFixture): void {
    const command = resolveRevisions(this.command, model.revision);
    same("read", real.machine.read(command), model.read(command));
  }

  toString(): string {
    return `read ${canonical(this.command)}`;
  }
}

class Replay implements Step {
  constructor(readonly back: number) {}

  check = (): boolean => true;

  run(model: NaiveState, real: StateFixture): void {
    const from = Math.max(model.revision - this.back, model.compactRevision, 0);
    same("replay", real.events(from), model.eventsFrom(from));
  }

  toString(): string {
    return `replay the last ${this.back}`;
  }
}

class Restart implements Step {
  check = (): boolean => true;

  constructor(readonly isOld: boolean) {}

  run(model: NaiveState, real: StateFixture): void {
    const before = real.machine.position;
    if (this.isOld) real.restartWithoutSize();
    else real.restart();
    same("position after restart", real.machine.position, before);
    same("alarms after restart", real.machine.condition.alarms, model.alarms());
    checkStoredBytes(real);
  }

  toString(): string {
    return this.isOld ? "restart without a size" : "restart";
  }
}

class CompactStep implements Step {
  constructor(readonly budget: number) {}

  check = (): boolean => true;

  run(_model: NaiveState, real: StateFixture): void {
    const before = rowCount(real);
    real.compactStep(this.budget);
    if (before - rowCount(real) > this.budget) throw new Error("A compaction step went over its budget");
    checkStoredBytes(real);
  }

  toString(): string {
    return `compact ${this.budget} rows`;
  }
}

const commands = fc.oneof(
  { weight: 16, arbitrary: storeCommands },
  { weight: 4, arbitrary: leaseCommands },
  { weight: 1, arbitrary: alarmCommands },
);
const batches = fc.array(fc.array(commands, { maxLength: 5, size: "max" }), {
  minLength: 1,
  maxLength: 3,
  size: "max",
});
const steps = [
  batches.map((list) => new ApplyBatch(list)),
  batches.map((list) => new ApplyBatch(list)),
  rangeRequests.map((request) => new Read({ kind: "range", request })),
  rangeRequests.map((request) => new Read({ kind: "page", request })),
  readOnlyTxnRequests.map((request) => new Read({ kind: "txn", request })),
  fc.constant(new Read({ kind: "leases" })),
  fc.nat({ max: 12 }).map((back) => new Replay(back)),
  fc
    .constantFrom<ReadCommand>({ kind: "alarms", type: undefined }, { kind: "alarms", type: "corrupt" })
    .map((command) => new Read(command)),
  fc.constant(new ApplyBatch([ALL_CLEAR])),
  fc.boolean().map((isOld) => new Restart(isOld)),
  fc.integer({ min: 1, max: 6 }).map((budget) => new CompactStep(budget)),
];

describe("StateMachine", () => {
  it("answers like the naive model, whatever happens in between", () => {
    const rowBytes = fc.constantFrom(1, 40, 1 << 20);
    fc.assert(
      fc.property(
        fc.commands(steps, { maxCommands: 30, size: "max" }),
        rowBytes,
        (list, eventRowBytesMax) => {
          const setup = { model: new NaiveState(), real: new StateFixture({ eventRowBytesMax }) };
          fc.modelRun(() => setup, list);
          checkEveryRevision(setup.model, setup.real);
          checkNothingUnreachableIsLeft(setup.real);
        },
      ),
      { numRuns: RUNS, ...LIMITS },
    );
  });

  it("reaches the same state, outcomes and effect hash however entries are split into batches", () => {
    const logs = fc.array(fc.array(commands, { maxLength: 3 }), { minLength: 1, maxLength: 12 });
    const splits = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(logs, splits, (log, sizes) => {
        const lists = resolveSequences(resolveRevisions(log, 8), new NaiveState());
        const entries = lists.map((list, at): CommittedEntry => ({ index: at + 1, term: 1, commands: list }));
        const whole = new StateFixture();
        const parts = new StateFixture({ eventRowBytesMax: 50 });
        const atOnce = whole.apply(entries);
        const outcomes: (readonly CommandOutcome[])[] = [];
        const events: Event[] = [];
        const leases: LeaseChange[] = [];
        for (let at = 0, turn = 0; at < entries.length; turn += 1) {
          const size = sizes[turn]!;
          const result = parts.apply(entries.slice(at, at + size));
          outcomes.push(...result.outcomes);
          events.push(...result.events);
          leases.push(...result.leases);
          at += size;
        }
        same("outcomes", outcomes, atOnce.outcomes);
        same("events", events, atOnce.events);
        same("changes of leases", leases, atOnce.leases);
        for (const column of ["latest", "history", "lease"] as const) {
          same(column, parts.rows(column), whole.rows(column));
        }
        same("meta", withoutSize(parts.rows("meta")), withoutSize(whole.rows("meta")));
        same("stored events", parts.events(0), whole.events(0));
      }),
      { numRuns: RUNS, ...LIMITS },
    );
  });
});

function checkEveryRevision(model: NaiveState, real: StateFixture): void {
  for (let at = Math.max(model.compactRevision, 1); at <= model.revision; at += 1) {
    const request = rangeRequest(Uint8Array.of(0), Uint8Array.of(0), { revision: at as Revision });
    new Read({ kind: "range", request }).run(model, real);
  }
  new Replay(model.revision).run(model, real);
  checkAttachments(real);
  if (real.view.openIterators !== 0) throw new Error("An iterator was left open");
}

/** Counting along the way comes to the same as counting what is there. */
function checkStoredBytes(real: StateFixture): void {
  same("stored bytes", real.machine.condition.storedBytes, real.storedBytes());
}

/** The size counts the keys of event rows, of which there are as many as batches. */
function withoutSize(rows: readonly (readonly [key: string, value: string])[]): unknown {
  return rows.filter(([key]) => key !== Buffer.from("size").toString("hex"));
}

/** The rows of attachments say the same as the keys themselves, and none belongs to a lease that is gone. */
function checkAttachments(real: StateFixture): void {
  const request = rangeRequest(Uint8Array.of(0), Uint8Array.of(0));
  const all = real.machine.read({ kind: "range", request });
  if (!all.ok || all.kind !== "range") throw new Error("The current state cannot be read");
  const attached = all.response.kvs.filter(({ lease }) => lease !== 0n).length;
  const leases = real.machine.leases();
  const listed = leases.reduce((count, { id }) => count + real.machine.leaseKeys(id).length, 0);
  same("attachments", listed, attached);
  same("rows of leases", real.rows("lease").length, leases.length + attached);
}

/** After compaction every version in `history` ended after the compact revision, and no event row lies before it. */
function checkNothingUnreachableIsLeft(real: StateFixture): void {
  real.compactFully();
  checkStoredBytes(real);
  const { compactRevision } = real.machine.position;
  for (const [, value] of real.rows("history")) {
    const superseding = parseInt(value.slice(48, 64), 16);
    if (superseding <= compactRevision) throw new Error(`History superseded at ${superseding} is left`);
  }
  for (const [key] of real.rows("event").slice(1)) {
    // The row before this one ends before it begins; within a main revision if there is a sub revision in the key.
    const endBefore = parseInt(key.slice(0, 16), 16) + (key.length > 16 ? 1 : 0);
    if (endBefore <= compactRevision) throw new Error(`An event row before ${endBefore} is left`);
  }
}

function position(model: NaiveState, index: number): object {
  const { revision, compactRevision } = model;
  return { index, term: 1, revision, compactRevision, effectHash: 0 };
}

function sorted(records: readonly LeaseRecord[]): LeaseRecord[] {
  return [...records].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function rowCount(real: StateFixture): number {
  return real.rows("history").length + real.rows("event").length;
}

function same(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [canonical(actual), canonical(expected)];
  if (a !== b) throw new Error(`${what} differ\n  actual   ${a}\n  expected ${b}`);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => {
    if (part instanceof Uint8Array) return `x${Buffer.from(part).toString("hex")}`;
    if (typeof part === "bigint") return `${part}n`;
    // Property order must not matter.
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
