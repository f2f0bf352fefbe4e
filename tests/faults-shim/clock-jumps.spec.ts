import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { killAndWait } from "../harness/child-process";
import { clockEnvironment, setClock } from "../harness/clock-jumps";
import { describeWithPreloading } from "../harness/preloaded-library";
import { nodeExecutable } from "../harness/repository";
import { temporaryFolder } from "../harness/temporary-folder";

/** Answers each line with its wall clock, and with a monotonic one after a timer of 1 ms. */
const PROGRAM = `
  require("node:readline").createInterface({ input: process.stdin }).on("line", () =>
    setTimeout(() => console.log(JSON.stringify({ wall: Date.now(), monotonic: Number(process.hrtime.bigint()) / 1e6 })), 1));
`;
const DAY_MS = 86_400_000;
/** How far two readings may be apart that are taken one after the other, on a busy machine too. */
const NEAR_MS = 10_000;

describeWithPreloading("a wall clock that is set", () => {
  it("is ahead or behind in its process alone, while monotonic clocks and timers go on", async () => {
    await using folder = await temporaryFolder("clocks");
    const clock = join(folder.path, "clocks", "of a process");
    const environment = { ...process.env, ...clockEnvironment(clock) };
    const child = spawn(nodeExecutable, ["-e", PROGRAM], {
      env: environment,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    const read = async (): Promise<{ readonly aheadMs: number; readonly monotonic: number }> => {
      const answered = once(lines, "line");
      child.stdin.write("\n");
      const [line] = (await answered) as [string];
      const { wall, monotonic } = JSON.parse(line) as { readonly wall: number; readonly monotonic: number };
      return { aheadMs: wall - Date.now(), monotonic };
    };
    try {
      let former = await read();
      expect(Math.abs(former.aheadMs)).toBeLessThan(NEAR_MS);
      for (const aheadMs of [DAY_MS, -DAY_MS, 0]) {
        setClock(clock, aheadMs);
        const now = await read();
        expect(Math.abs(now.aheadMs - aheadMs)).toBeLessThan(NEAR_MS);
        expect(now.monotonic).toBeGreaterThan(former.monotonic);
        expect(now.monotonic - former.monotonic).toBeLessThan(NEAR_MS);
        former = now;
      }
    } finally {
      await killAndWait(child);
    }
  });
});
