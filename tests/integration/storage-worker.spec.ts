import type { LogIndex, MemberId } from "@quorate/raft";
import { RocksLogStorage } from "@quorate/storage-rocksdb";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";

const task = `
  const { workerData, parentPort } = require("node:worker_threads");
  const { createRequire } = require("node:module");
  const { RocksLogStorage } = createRequire(workerData.base)("@quorate/storage-rocksdb");
  (async () => {
    const log = await RocksLogStorage.open({ directory: workerData.directory });
    const data = Buffer.from("from the worker");
    log.append([{ truncateFrom: undefined, entries: [{ index: 1, term: 1, type: "command", data, chain: 1 }] }]);
    await log[Symbol.asyncDispose]();
    parentPort.postMessage("closed");
  })();
`;

describe("A log that is opened in a worker thread", () => {
  const directory = mkdtempSync(join(tmpdir(), "quorate-worker-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("is written there, and can be opened elsewhere once it is closed", async () => {
    const identity = {
      clusterId: 1n,
      clusterName: "c",
      memberId: 1n as MemberId,
      memberName: "m",
      directoryId: "d",
    };
    const configuration = { incoming: [1n as MemberId], outgoing: [], learners: [] };
    await (await RocksLogStorage.create({ directory }, { identity, configuration }))[Symbol.asyncDispose]();

    const worker = new Worker(task, {
      eval: true,
      workerData: { directory, base: resolve(__dirname, "../package.json") },
    });
    const code = await new Promise<number>((done, failed) => worker.on("exit", done).on("error", failed));

    expect(code).toBe(0);
    await using log = await RocksLogStorage.open({ directory });
    expect(log.start.incarnation).toBe(3);
    expect(log.read(1 as LogIndex, 1 as LogIndex, 100)[0]?.data.length).toBe("from the worker".length);
  });
});
