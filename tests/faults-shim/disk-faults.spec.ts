import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";

import { killAndWait } from "../harness/child-process";
import {
  diskFaultsEnvironment,
  failSyncs,
  failWrites,
  faultsDone,
  fillDisk,
  lieAboutSyncs,
  noteSyncs,
  release,
  stallSyncs,
  syncsDone,
} from "../harness/disk-faults";
import { eventually } from "../harness/eventually";
import { losePower } from "../harness/power-loss";
import { describeWithPreloading } from "../harness/preloaded-library";
import { nodeExecutable, repositoryRoot } from "../harness/repository";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";
import type { Step } from "./writer";

const withinMs = 10_000;

describeWithPreloading("a disk that loses its power", () => {
  const { start, disk, contents } = useDisks();

  it("keeps exactly what was synced, under names that were synced", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "kept", text: "synced, " });
    await writer.does({ do: "datasync", path: "kept" });
    await writer.does({ do: "write", path: "kept", text: "not synced" });
    await writer.does({ do: "write", path: "empty", text: "its name is synced, it is not" });
    await writer.does({ do: "sync-folder", path: "." });
    await writer.does({ do: "write", path: "nameless", text: "synced" });
    await writer.does({ do: "sync", path: "nameless" });
    await writer.dies();

    const lost = losePower(disk());

    expect(contents()).toEqual({ kept: "synced, ", empty: "" });
    expect(lost).toEqual({ bytes: 10 + 29 + 6, names: 1 });
  });

  it("undoes what was written over synced content, or cut off", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "slots", text: "first second" });
    await writer.does({ do: "sync", path: "slots" });
    await writer.does({ do: "sync-folder", path: "." });
    await writer.does({ do: "write", path: "slots", at: 0, text: "FIRST" });
    await writer.does({ do: "sync", path: "slots" });
    await writer.does({ do: "write", path: "slots", at: 6, text: "SECOND" });
    await writer.does({ do: "cut", path: "slots", size: 8 });
    await writer.dies();

    losePower(disk());

    expect(contents()).toEqual({ slots: "FIRST second" });
  });

  it("undoes renames and removals until their folder is synced", async () => {
    await using writer = start();
    for (const path of ["current", "removed"]) {
      await writer.does({ do: "write", path, text: `old ${path}` });
      await writer.does({ do: "sync", path });
    }
    await writer.does({ do: "sync-folder", path: "." });
    await writer.does({ do: "write", path: "new", text: "new current" });
    await writer.does({ do: "sync", path: "new" });
    await writer.does({ do: "rename", path: "new", to: "current" });
    await writer.does({ do: "remove", path: "removed" });
    await writer.dies();
    losePower(disk());
    expect(contents()).toEqual({ current: "old current", removed: "old removed" });

    await using second = start();
    await second.does({ do: "write", path: "new", text: "new current" });
    await second.does({ do: "sync", path: "new" });
    await second.does({ do: "rename", path: "new", to: "current" });
    await second.does({ do: "remove", path: "removed" });
    await second.does({ do: "sync-folder", path: "." });
    await second.dies();
    losePower(disk());
    expect(contents()).toEqual({ current: "new current" });
  });

  it("loses a folder whose name was not synced, with all that is in it", async () => {
    await using writer = start();
    for (const path of ["whole", "lost"]) {
      await writer.does({ do: "folder", path });
      await writer.does({ do: "write", path: `${path}/file`, text: "content" });
      await writer.does({ do: "sync", path: `${path}/file` });
      await writer.does({ do: "sync-folder", path });
      if (path === "whole") await writer.does({ do: "sync-folder", path: "." });
    }
    await writer.dies();

    losePower(disk());

    expect(contents()).toEqual({ "whole/file": "content" });
  });

  it("takes a file that has the number of a removed one for another file", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "first", text: "first" });
    await writer.does({ do: "sync", path: "first" });
    await writer.does({ do: "sync-folder", path: "." });
    await writer.does({ do: "remove", path: "first" });
    await writer.dies(); // nobody has it open any more: the number is free
    await using second = start();
    await second.does({ do: "write", path: "second", text: "second" });
    await second.does({ do: "sync", path: "second" });
    await second.dies();

    losePower(disk());

    expect(contents()).toEqual({ first: "first" });
  });

  it("syncs what an earlier process has left unsynced, as the kernel does", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "one " });
    await writer.does({ do: "sync", path: "log" });
    await writer.does({ do: "sync-folder", path: "." });
    await writer.does({ do: "write", path: "log", text: "two " });
    await writer.dies();
    await using second = start();
    await second.does({ do: "write", path: "log", text: "three" });
    await second.does({ do: "sync", path: "log" });
    await second.dies();

    losePower(disk());

    expect(contents()).toEqual({ log: "one two three" });
  });

  it("may keep a part of what was not synced", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "synced " });
    await writer.does({ do: "sync", path: "log" });
    await writer.does({ do: "sync-folder", path: "." });
    await writer.does({ do: "write", path: "log", text: "torn tail" });
    await writer.dies();

    losePower(disk(), { random: () => 0.5 });

    expect(contents()).toEqual({ log: "synced torn " });
  });
});

describeWithPreloading("a faulty disk", () => {
  const { start, disk, contents } = useDisks();

  it("fails syncs as often as told, and never writes what was not synced then", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "one " });
    await writer.does({ do: "sync", path: "log" });
    await writer.does({ do: "sync-folder", path: "." });
    await writer.does({ do: "write", path: "log", text: "two " });
    failSyncs(disk(), { times: 1 });
    await writer.does({ do: "datasync", path: "log" }, "EIO");
    await writer.does({ do: "datasync", path: "log" });
    await writer.dies();
    expect(contents()).toEqual({ log: "one two " }); // still in the page cache
    await using second = start();
    await second.does({ do: "sync", path: "log" });
    await second.dies();

    losePower(disk());

    expect(contents()).toEqual({ log: "one " });
    expect(faultsDone(disk())).toBe(1);
  });

  it("fails only in the part that it was told", async () => {
    await using writer = start();
    await writer.does({ do: "folder", path: "raft" });
    for (const path of ["raft/log", "rafter"]) await writer.does({ do: "write", path, text: "text" });
    failSyncs(disk(), { part: "raft" });
    await writer.does({ do: "sync", path: "raft/log" }, "EIO");
    await writer.does({ do: "sync-folder", path: "raft" }, "EIO");
    await writer.does({ do: "sync", path: "rafter" });
    release(disk());
    await writer.does({ do: "sync", path: "raft/log" });
  });

  it("takes nothing new while it is full", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "before" });
    fillDisk(disk());
    await writer.does({ do: "write", path: "log", text: "while" }, "ENOSPC");
    await writer.does({ do: "open", path: "new" }, "ENOSPC");
    await writer.does({ do: "folder", path: "folder" }, "ENOSPC");
    await writer.does({ do: "sync", path: "log" });
    release(disk());
    await writer.does({ do: "write", path: "log", text: " and after" });

    expect(contents()).toEqual({ log: "before and after" });
  });

  it("fails writes with an error of its own", async () => {
    await using writer = start();
    failWrites(disk(), { error: "EIO", times: 1, part: "log" });
    await writer.does({ do: "write", path: "other", text: "x" });
    await writer.does({ do: "open", path: "log" }, "EIO");
    await writer.does({ do: "write", path: "log", text: "x" });
  });

  it("holds syncs up until it is released", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "text" });
    stallSyncs(disk());
    let ended = false;
    const sync = writer.does({ do: "sync", path: "log" }).then(() => (ended = true));
    await eventually("the sync to hang", { withinMs }, () => faultsDone(disk()) === 1);
    expect(ended).toBe(false);
    release(disk());
    await sync;
  });

  it("makes each sync take longer", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "text" });
    stallSyncs(disk(), { eachMs: 300 });
    const from = performance.now();
    await writer.does({ do: "sync", path: "log" });
    expect(performance.now() - from).toBeGreaterThan(299);
  });

  it("tells which syncs were done", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "text" });
    await writer.does({ do: "sync", path: "log" });
    noteSyncs(disk());
    await writer.does({ do: "datasync", path: "log" });
    await writer.does({ do: "sync-folder", path: "." });

    expect(syncsDone(disk())).toEqual(["fdatasync log", "fsync "]);
  });

  it("can say that it has synced, and lie", async () => {
    await using writer = start();
    await writer.does({ do: "write", path: "log", text: "text" });
    await writer.does({ do: "sync-folder", path: "." });
    lieAboutSyncs(disk());
    await writer.does({ do: "sync", path: "log" });
    await writer.dies();

    losePower(disk());

    expect(contents()).toEqual({ log: "" });
  });
});

/** A fresh disk for each test of a suite, and processes on it. */
function useDisks() {
  let folder: TemporaryFolder;
  let disks = 0;
  beforeAll(async () => {
    folder = await temporaryFolder("shim");
    mkdirSync(join(folder.path, "root"));
  });
  afterAll(() => folder[Symbol.asyncDispose]());
  const disk = (): string => join(folder.path, "root", `disk${disks}`);
  beforeEach(() => {
    disks += 1;
    mkdirSync(disk());
  });
  return {
    disk,
    start: () => new Writer(join(folder.path, "root"), disk()),
    /** All files by their paths. */
    contents: () =>
      Object.fromEntries(
        readdirSync(disk(), { recursive: true, encoding: "utf8" })
          .filter((path) => statSync(join(disk(), path)).isFile())
          .map((path) => [path, readFileSync(join(disk(), path), "utf8")]),
      ),
  };
}

/** The process of `writer.ts`. */
class Writer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(root: string, disk: string) {
    const program = join(repositoryRoot, "tests", "dist", "faults-shim", "writer.js");
    this.#child = spawn(nodeExecutable, [program, disk], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...diskFaultsEnvironment(root) },
    });
    const lines: Interface = createInterface({ input: this.#child.stdout! });
    this.#answers = lines[Symbol.asyncIterator]();
  }

  async does(step: Step, answer = "ok"): Promise<void> {
    this.#child.stdin!.write(`${JSON.stringify(step)}\n`);
    const { value } = await this.#answers.next();
    expect({ step, answer: value as string }).toEqual({ step, answer });
  }

  dies(): Promise<void> {
    return killAndWait(this.#child);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dies();
  }
}
