/**
 * What the store costs on this machine, in microseconds of wall time per row (or per call where it says so).
 *
 * Run by hand: `npx tsc -b libs/storage-rocksdb && node libs/storage-rocksdb/dist/rocks-key-value-store.bench.js`.
 */
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RocksKeyValueStore } from "./rocks-key-value-store";
import { RocksLogStorage } from "./rocks-log-storage";

const ROWS = 40_000;
const ROWS_PER_BATCH = 200;
const VALUE_BYTES = 256;

const root = mkdtempSync(join(tmpdir(), "quorate-bench-"));

async function main(): Promise<void> {
  await benchStore();
  await benchLog();
  console.log(`resident memory: ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`);
}

async function benchStore(): Promise<void> {
  await using store = await RocksKeyValueStore.open({
    directory: join(root, "state"),
    columns: ["latest", "history", "event"],
    createIfMissing: true,
  });
  // 7919 is prime: every key comes once, in an order that RocksDB cannot profit from.
  const keys = Array.from({ length: ROWS }, (_, row) =>
    Buffer.from(`/registry/pods/${String((row * 7_919) % ROWS).padStart(8, "0")}`),
  );
  const value = Uint8Array.from({ length: VALUE_BYTES }, (_, byte) => (byte * 167) % 251);
  const batch = store.batch();
  const batches = ROWS / ROWS_PER_BATCH;
  const keysOf = (round: number): Buffer[] =>
    keys.slice(round * ROWS_PER_BATCH, (round + 1) * ROWS_PER_BATCH);

  for (const what of ["insert", "update"]) {
    measure(`${what}, ${ROWS_PER_BATCH} rows per batch, no sync`, batches, ROWS_PER_BATCH, (round) => {
      for (const key of keysOf(round)) batch.put("latest", key, value);
      batch.write({ sync: false });
    });
  }
  measure(`update, ${ROWS_PER_BATCH} rows per batch, synced`, 50, ROWS_PER_BATCH, (round) => {
    for (const key of keysOf(round)) batch.put("latest", key, value);
    batch.write({ sync: true });
  });
  measure("update, 1 row per batch, no sync", 5_000, 1, (round) => {
    batch.put("latest", keys[round]!, value);
    batch.write({ sync: false });
  });
  measure(`getMany of ${ROWS_PER_BATCH}`, batches, ROWS_PER_BATCH, (round) => {
    store.getMany("latest", keysOf(round));
  });
  measure("get", 5_000, 1, (round) => {
    store.get("latest", keys[round]!);
  });
  measure("scan of 10 rows (per scan)", 2_000, 1, (round) => {
    using rows = store.scan("latest", keys[round]!, undefined, { expect: 10 });
    for (let row = 0; row < 10; row += 1) rows.next();
  });
  measure("scan of everything", 3, ROWS, () => {
    using rows = store.scan("latest", new Uint8Array(0), undefined);
    while (rows.next() !== undefined);
  });
}

async function benchLog(): Promise<void> {
  const identity = {
    clusterId: 1n,
    clusterName: "c",
    memberId: 1n as MemberId,
    memberName: "m",
    directoryId: "d",
  };
  const configuration = { incoming: [1n as MemberId], outgoing: [], learners: [] };
  await using log = await RocksLogStorage.create(
    { directory: join(root, "raft") },
    { identity, configuration },
  );
  const data = new Uint8Array(VALUE_BYTES);
  let last = 0;
  for (const entriesPerAppend of [1, 100]) {
    measure(`log append of ${entriesPerAppend}, synced (per append)`, 300, 1, () => {
      const entries = Array.from({ length: entriesPerAppend }, (_, at) => ({
        index: (last + 1 + at) as LogIndex,
        term: 1 as Term,
        type: "command" as const,
        data,
        chain: at,
      }));
      log.append([{ truncateFrom: undefined, entries, hardState: undefined }]);
      last += entriesPerAppend;
    });
  }
  measure("log read of 100 entries", 100, 100, (round) => {
    log.read((1 + round * 100) as LogIndex, (100 + round * 100) as LogIndex, 2 ** 20);
  });
}

function measure(what: string, rounds: number, rowsPerRound: number, run: (round: number) => void): void {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = process.hrtime.bigint();
    run(round);
    times.push(Number(process.hrtime.bigint() - started) / 1_000 / rowsPerRound);
  }
  const perSecond = Math.round(1e6 / (times.reduce((sum, time) => sum + time, 0) / rounds));
  times.sort((a, b) => a - b);
  const at = (share: number): string => times[Math.floor((rounds - 1) * share)]!.toFixed(2).padStart(8);
  console.log(
    `${what.padEnd(44)} p50 ${at(0.5)} µs  p99 ${at(0.99)} µs  ${String(perSecond).padStart(9)} /s`,
  );
}

void main().finally(() => rmSync(root, { recursive: true, force: true }));
