import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import { NO_LEASE, type Revision } from "@quorate/mvcc";
import type { Term } from "@quorate/raft";
import { STATE_COLUMNS, StateMachine, type Command, type StateColumn } from "@quorate/state-machine";
import { RocksKeyValueStore } from "@quorate/storage-rocksdb";
import { ResponseEncoder } from "@quorate/wire";
import { BACKGROUND_WORK_DEFAULTS, BackgroundWork } from "./background-work";

/*
 * What those who wait for the apply lane notice of physical compaction and of hashes: how long a batch of puts, which
 * arrives every few milliseconds, waits for the thread and is applied, with and without background work in the same run.
 * Run the compiled file with node; numbers of rows as arguments.
 */
const KEYS = 20_000;
const BATCH = 100;
const VALUE = new Uint8Array(256).fill(7);
const EVERY_MS = 5;
const TURNS = 400;

async function main(updates: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "quorate-background-bench-"));
  try {
    await measure(directory, updates);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(directory: string, updates: number): Promise<void> {
  await using store = await RocksKeyValueStore.open<StateColumn>({
    directory,
    columns: STATE_COLUMNS,
    smallColumns: ["lease", "meta"],
    createIfMissing: true,
  });
  const stateMachine = new StateMachine({}, { view: store });
  const batch = store.batch();
  const apply = (commands: readonly Command[]): void => {
    stateMachine.apply([{ index: stateMachine.position.index + 1, term: 1, commands }], batch);
    batch.write({ sync: false });
  };
  let written = 0;
  const puts = (): Command[] => Array.from({ length: BATCH }, () => put(written++ % KEYS));
  while (written < updates) apply(puts());
  const answers = new Map<number, () => void>();
  const work = new BackgroundWork(BACKGROUND_WORK_DEFAULTS, {
    state: { store, stateMachine },
    encoder: new ResponseEncoder({ clusterId: 1n, memberId: 1n }),
    reports: { tell: (report) => void (report.kind === "maintenance-result" && answers.get(report.id)?.()) },
    clock: systemClock,
  });
  const foreground = (): Promise<number[]> => latencies(() => apply(puts()));

  const report = (what: string, values: readonly number[]): void => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share: number): string => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1);
    console.log(`${what.padEnd(34)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  max ${at(1)} ms`);
  };
  report(`batches of ${BATCH}, nothing beside`, await foreground());

  const before = tableBytes(directory);
  const started = performance.now();
  const { revision } = stateMachine.position;
  apply([{ kind: "compact", request: { revision, physical: true } }]);
  work.compact();
  const compacted = done(answers, work, { kind: "compacted", revision }, 1);
  report(`with compaction of ${revision} revisions`, await foreground());
  await compacted;
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `  compaction took ${seconds.toFixed(1)} s; ${mib(before)} of tables before, ${mib(tableBytes(directory))} after`,
  );

  const hash = performance.now();
  const hashed = done(answers, work, { kind: "hash-kv", revision: 0 as Revision }, 2);
  report(`with a hash of ${KEYS} keys`, await foreground());
  await hashed;
  console.log(`  the hash took ${((performance.now() - hash) / 1000).toFixed(1)} s`);
  report(`batches of ${BATCH}, nothing beside`, await foreground());
}

function done(
  answers: Map<number, () => void>,
  work: BackgroundWork,
  query: Parameters<BackgroundWork["ask"]>[0]["query"],
  id: number,
): Promise<void> {
  return new Promise((resolve) => {
    answers.set(id, resolve);
    work.ask({ kind: "maintenance", id, raftTerm: 1 as Term, query, timeoutMs: 600_000 });
  });
}

/** From when each batch was due to when it was applied. */
async function latencies(applyBatch: () => void): Promise<number[]> {
  const found: number[] = [];
  let due = performance.now();
  for (let turn = 0; turn < TURNS; turn += 1) {
    due = Math.max(due + EVERY_MS, performance.now());
    await new Promise<void>(
      (resolve) => void systemClock.setTimer(Math.max(0, due - performance.now()), resolve),
    );
    applyBatch();
    found.push(performance.now() - due);
  }
  return found;
}

function put(key: number): Command {
  const request = { prevKv: false, ignoreValue: false, ignoreLease: false, lease: NO_LEASE };
  return { kind: "put", request: { ...request, key: utf8(`/registry/pods/pod-${key}`), value: VALUE } };
}

/** Without the write-ahead log, whose size has nothing to do with what is kept. */
function tableBytes(directory: string): number {
  const tables = readdirSync(directory).filter((name) => name.endsWith(".sst"));
  const sizeOf = (name: string): number =>
    statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  return tables.reduce((sum, name) => sum + sizeOf(name), 0);
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

if (require.main === module) void main(Number(process.argv[2] ?? 300_000));
