import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualTime } from "@quorate/actor";
import { createLogger } from "@quorate/telemetry";
import { Ballast, BALLAST_FILE, giveUpBallast, makeRoomAtStart } from "./ballast";

const MIB = 1024 * 1024;
const BYTES = 3 * MIB;
const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

/** A member's directory on a file system of which only so much is free, whatever is written there. */
function build(free: number) {
  const dataDir = mkdtempSync(join(tmpdir(), "quorate-ballast-"));
  roots.push(dataDir);
  const path = join(dataDir, BALLAST_FILE);
  const logger = createLogger({ service: "raft-node", name: "n1", level: "silent" });
  const disk = { free };
  const ballast = (ballastBytes = BYTES) =>
    new Ballast(
      { dataDir, ballastBytes },
      { clock: new VirtualTime(), logger, freeBytes: () => Promise.resolve(disk.free) },
    );
  const startsAgain = (ballastBytes = BYTES): void =>
    makeRoomAtStart({ dataDir, ballastBytes }, { logger, freeBytes: () => disk.free });
  const size = (): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;
  return { dataDir, path, logger, disk, ballast, startsAgain, size };
}

describe("a ballast", () => {
  it("is made of bytes that cannot be compressed, and kept at the next start", async () => {
    const { ballast, startsAgain, size, path } = build(100 * MIB);
    await ballast().look();
    expect(size()).toBe(BYTES);
    expect(new Set(readFileSync(path).subarray(0, 4096)).size).toBeGreaterThan(100);
    expect(statSync(path).mode & 0o777).toBe(0o600);

    startsAgain();

    expect(size()).toBe(BYTES);
  });

  it("is not made where it would take more than a quarter of what is free", async () => {
    const { ballast, disk, size } = build(4 * BYTES - 1);
    await ballast().look();
    expect(size()).toBeUndefined();

    disk.free = 4 * BYTES;
    await ballast().look();
    expect(size()).toBe(BYTES);
  });

  it("is given up at a start with less free than it holds, and made anew when there is room", async () => {
    const { ballast, startsAgain, disk, size } = build(100 * MIB);
    await ballast().look();
    disk.free = BYTES - 1;
    startsAgain();
    expect(size()).toBeUndefined();
    await ballast().look();
    expect(size()).toBeUndefined();

    disk.free = 100 * MIB;
    await ballast().look();
    expect(size()).toBe(BYTES);
  });

  it("goes on where an earlier process was interrupted, and does not grow while others fill the disk", async () => {
    const { ballast, disk, path, size } = build(100 * MIB);
    writeFileSync(path, new Uint8Array(MIB));
    await using stopped = ballast();
    await stopped[Symbol.asyncDispose]();
    await stopped.look();
    expect(size()).toBe(MIB);
    await ballast().look();
    expect(size()).toBe(BYTES);

    disk.free = BYTES - 1;
    await ballast(50 * MIB).look();
    expect(size()).toBe(BYTES);
  });

  it("becomes as small as it shall be, or nothing", async () => {
    const { ballast, startsAgain, size } = build(100 * MIB);
    await ballast().look();
    startsAgain(MIB);
    expect(size()).toBe(MIB);
    startsAgain(0);
    expect(size()).toBeUndefined();
  });

  it("is given up once by a member that could not start", async () => {
    const { ballast, dataDir, logger, size } = build(100 * MIB);
    await ballast().look();
    giveUpBallast(dataDir, logger);
    giveUpBallast(dataDir, logger);
    expect(size()).toBeUndefined();
  });

  it("is no reason to end when it cannot be written", async () => {
    const { dataDir, ballast } = build(100 * MIB);
    rmSync(dataDir, { recursive: true });
    await expect(ballast().look()).resolves.toBeUndefined();
    roots.pop();
  });
});
