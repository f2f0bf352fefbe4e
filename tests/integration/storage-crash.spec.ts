import { textOf } from "@quorate/base";
import type { LogIndex, MemberId } from "@quorate/raft";
import { RocksLogStorage } from "@quorate/storage-rocksdb";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const node = resolve(__dirname, "../../node_modules/.bin/node");
const writer = join(__dirname, "storage-log-writer.cjs");

/** Runs the writer until it has acknowledged `appends` appends, kills it, and returns its last acknowledgement. */
function killAfter(
  appends: number,
  directory: string,
): Promise<{ readonly term: number; readonly index: number }> {
  return new Promise((done, failed) => {
    const child = spawn(node, [writer, directory], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (text: Buffer) => {
      output += text.toString();
      if (output.split("\n").length > appends) child.kill("SIGKILL");
    });
    child.on("error", failed);
    child.on("close", (code, signal) => {
      if (signal !== "SIGKILL") return failed(new Error(`The writer ended by itself, with code ${code}`));
      const acknowledged = output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1) ?? "";
      const [term = 0, index = 0] = acknowledged.split(" ").map(Number);
      done({ term, index });
    });
  });
}

describe("A log whose process is killed", () => {
  const directory = mkdtempSync(join(tmpdir(), "quorate-crash-"));
  const options = { directory, cacheBytes: 2 ** 20, memtableBytes: 2 ** 20, tailBytesMax: 10_000 };
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("has every entry that was acknowledged, and each is whole", async () => {
    const identity = {
      clusterId: 1n,
      clusterName: "c",
      memberId: 1n as MemberId,
      memberName: "m",
      directoryId: "d",
    };
    const configuration = { incoming: [1n as MemberId], outgoing: [], learners: [] };
    await (await RocksLogStorage.create(options, { identity, configuration }))[Symbol.asyncDispose]();
    let incarnation = 1;

    for (const appends of [1, 100, 400, 900]) {
      const acknowledged = await killAfter(appends, directory);

      await using log = await RocksLogStorage.open(options);
      const last = log.start.tail.at(-1)!;
      incarnation += 2; // the writer's start and this one
      expect(log.start.incarnation).toBe(incarnation);
      expect(acknowledged.index).toBeGreaterThan(0);
      // The append that was cut off may be there as well: a later term, or a longer log of the same one.
      expect([last.term, last.index]).toEqual(
        last.term > acknowledged.term
          ? [last.term, expect.any(Number)]
          : [acknowledged.term, Math.max(last.index, acknowledged.index)],
      );
      expect(log.start.hardState.term).toBe(last.term);
      const entries = log.read(1 as LogIndex, last.index, Number.MAX_SAFE_INTEGER);
      expect(entries.length).toBe(last.index);
      for (const { term, index, data } of entries) {
        expect(textOf(data).replace(/\.+$/, "")).toBe(`${term}/${index}`);
      }
    }
  }, 60_000);
});
