import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { recordOf } from "./disk-faults";

export interface PowerLoss {
  /**
   * Draws from [0, 1): of what was appended to a file and never synced, so much is there all the same, as a kernel writes when it
   * likes. Without it nothing unsynced is.
   */
  readonly random?: () => number;
}

/**
 * Makes of the disk what a power loss would have left of it: synced content under synced names. All processes that use it must
 * be dead, and none may start before this returns.
 *
 * @param dataDir Of processes that ran with `diskFaultsEnvironment`, from its first file on or since `takeForDurable`.
 * @returns How many bytes and names were lost.
 */
export function losePower(dataDir: string, loss: PowerLoss = {}): { bytes: number; names: number } {
  const record = recordOf(dataDir);
  const before = inventory(dataDir);
  const tornTails =
    loss.random === undefined ? new Map<string, Buffer>() : tails(record, before, loss.random);
  const root = idOf(record, dataDir);
  for (const name of readdirSync(dataDir)) rmSync(join(dataDir, name), { recursive: true });
  if (root !== undefined) restore(record, root, dataDir, tornTails);
  takeForDurable(dataDir);
  const after = inventory(dataDir);
  const bytesIn = (files: ReadonlyMap<string, number>): number =>
    [...files.values()].reduce((a, b) => a + b, 0);
  return {
    bytes: bytesIn(before) - bytesIn(after),
    names: [...before.keys()].filter((path) => !after.has(path)).length,
  };
}

/** Begins the record of a disk anew: all that is there now is on the disk. */
export function takeForDurable(dataDir: string): void {
  const record = recordOf(dataDir);
  for (const part of ["live", "files", "folders", "frozen"]) {
    rmSync(join(record, part), { recursive: true, force: true });
    mkdirSync(join(record, part), { recursive: true });
  }
  noteFolder(record, dataDir);
}

function noteFolder(record: string, folder: string): string {
  const id = newId(record, folder);
  const lines = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return `d ${noteFolder(record, path)} ${entry.name}\n`;
    if (!entry.isFile()) return [];
    const file = newId(record, path);
    copyFileSync(path, join(record, "files", file));
    return `f ${file} ${entry.name}\n`;
  });
  writeFileSync(join(record, "folders", id), lines.join(""));
  return id;
}

function newId(record: string, path: string): string {
  const { ino } = statSync(path);
  const id = `${ino}-0`;
  symlinkSync(id, join(record, "live", `${ino}`));
  return id;
}

function restore(record: string, id: string, to: string, tornTails: ReadonlyMap<string, Buffer>): void {
  for (const { kind, id: child, name } of names(record, id)) {
    const path = join(to, name);
    if (kind === "d") {
      mkdirSync(path);
      restore(record, child, path, tornTails);
      continue;
    }
    const durable = join(record, "files", child);
    if (existsSync(durable)) copyFileSync(durable, path);
    else writeFileSync(path, ""); // its name was synced, it was not
    const tail = tornTails.get(child);
    if (tail !== undefined) appendFileSync(path, tail);
  }
}

/** What a folder holds on the disk; nothing if it was never synced. */
function names(record: string, id: string): { kind: string; id: string; name: string }[] {
  const list = join(record, "folders", id);
  if (!existsSync(list)) return [];
  return readFileSync(list, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [kind = "", child = ""] = line.split(" ", 2);
      return { kind, id: child, name: line.slice(kind.length + child.length + 2) };
    });
}

/** By id: of what files have beyond their durable lengths, as much as is drawn. */
function tails(
  record: string,
  present: ReadonlyMap<string, number>,
  random: () => number,
): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [path, size] of [...present].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const id = idOf(record, path);
    const durable = id === undefined ? undefined : join(record, "files", id);
    if (id === undefined || durable === undefined || !existsSync(durable)) continue;
    const from = statSync(durable).size;
    if (size > from)
      found.set(id, readFileSync(path).subarray(from, from + Math.floor(random() * (size - from + 1))));
  }
  return found;
}

/** `undefined`: no process has opened it or synced the folder that it is in. */
function idOf(record: string, path: string): string | undefined {
  try {
    return readlinkSync(join(record, "live", `${statSync(path).ino}`));
  } catch {
    return undefined;
  }
}

/** The sizes of all files below a folder. */
function inventory(folder: string): ReadonlyMap<string, number> {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      if (!entry.isFile()) return [];
      const path = join(entry.parentPath, entry.name);
      return [[path, statSync(path).size] as const];
    }),
  );
}
