import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  writeSync,
} from "node:fs";
import { constants } from "node:os";
import { basename, dirname, join } from "node:path";

import { compileLibrary } from "./preloaded-library";

// Disks of real processes that fail: a small library (tests/faults-shim/disk-faults.c) is loaded into them by LD_PRELOAD. A disk is
// the data directory of one member; all disks of a cluster stand in one folder, the root, whose twin `<root>-faults` holds what
// is to go wrong and what has reached the disk.

/** Which part of a member's disk: its log, its state, its anchor. A file or folder of another process is named the same way. */
export type DiskPart = "raft" | "state" | "anchor" | (string & {});

export interface CallFault {
  /** Only what is at or below this; everything unless told. */
  readonly part?: DiskPart;
  /** What the calls fail with; EIO unless told. */
  readonly error?: "EIO" | "ENOSPC";
  /** How many calls fail; all until `release` unless told. */
  readonly times?: number;
}

export interface Stall {
  /** Only what is at or below this; everything unless told. */
  readonly part?: DiskPart;
  /** How many milliseconds each sync takes longer; without it none ends until `release`. */
  readonly eachMs?: number;
}

/**
 * What to add to the environment of a process, and so of all that it starts, to give it faulty disks.
 *
 * @param root The folder in which each folder is a disk. It need not be there yet, but the one that it stands in.
 */
export function diskFaultsEnvironment(root: string): Record<string, string> {
  return { LD_PRELOAD: compileLibrary("disk-faults"), DISK_FAULTS_ROOT: canonical(root) };
}

/** Lets syncs of files and folders fail. What was not synced by then never reaches the disk, as with Linux. */
export function failSyncs(dataDir: string, fault: CallFault = {}): void {
  setRule(dataDir, syncRuleAt, { ...ruleOf(fault) });
}

/** Lets writes fail, and making files and folders. */
export function failWrites(dataDir: string, fault: CallFault = {}): void {
  setRule(dataDir, writeRuleAt, { ...ruleOf(fault) });
}

/** From now on nothing more fits on the disk, until `release`. */
export function fillDisk(dataDir: string): void {
  failWrites(dataDir, { error: "ENOSPC" });
}

/** Holds syncs up. */
export function stallSyncs(dataDir: string, { part = "", eachMs }: Stall = {}): void {
  setRule(dataDir, syncRuleAt, { part, delayMs: eachMs ?? untilReleased, times: 0, error: 0 });
}

/** A disk that says that it has synced, and has not: with it promises must break at a power loss. */
export function lieAboutSyncs(dataDir: string): void {
  setFlag(dataDir, liesAt, 1);
}

/** Begins to take note of syncs for `syncsDone`. */
export function noteSyncs(dataDir: string): void {
  rmSync(join(recordOf(dataDir), "syncs"), { force: true });
  setFlag(dataDir, notesSyncsAt, 1);
}

/** The syncs since `noteSyncs`, in their order, like `fdatasync raft/000004.log`. */
export function syncsDone(dataDir: string): string[] {
  const path = join(recordOf(dataDir), "syncs");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
}

/** Ends all faults of a disk. */
export function release(dataDir: string): void {
  setRule(dataDir, syncRuleAt, noRule);
  setRule(dataDir, writeRuleAt, noRule);
  setFlag(dataDir, liesAt, 0);
}

/** How many calls have failed, were held up or lied about since the disk was made. */
export function faultsDone(dataDir: string): number {
  return withControl(dataDir, (file) => {
    const word = Buffer.alloc(4);
    readSync(file, word, 0, 4, hitsAt);
    return word.readInt32LE();
  });
}

/** Where the library keeps what it knows of a disk. */
export function recordOf(dataDir: string): string {
  const path = canonical(dataDir);
  return join(`${dirname(path)}-faults`, basename(path));
}

/** The path that the kernel knows it by; the last part need not be there. */
function canonical(path: string): string {
  return join(realpathSync(dirname(path)), basename(path));
}

// `struct control` in disk-faults.c: two rules of 64 bytes, then 32-bit words.
const syncRuleAt = 0;
const writeRuleAt = 64;
const delayInRule = 4;
const errorInRule = 8;
const partInRule = 12;
const partBytesMax = 51;
const liesAt = 128;
const notesSyncsAt = 132;
const hitsAt = 136;
const controlBytes = 140;
const untilReleased = -1;
const always = -1;

interface Rule {
  readonly part: string;
  readonly times: number;
  readonly delayMs: number;
  readonly error: number;
}

const noRule: Rule = { part: "", times: 0, delayMs: 0, error: 0 };

function ruleOf({ part = "", error = "EIO", times = always }: CallFault): Rule {
  return { part, times, delayMs: 0, error: constants.errno[error] };
}

/** What a rule is about comes before what switches it on, for it is read while it is written. */
function setRule(dataDir: string, at: number, { part, times, delayMs, error }: Rule): void {
  if (Buffer.byteLength(part) > partBytesMax) throw new Error(`"${part}" is too long for a part of a disk`);
  withControl(dataDir, (file) => {
    writeSync(file, word(0), 0, 4, at);
    writeSync(file, word(0), 0, 4, at + delayInRule);
    const about = Buffer.alloc(writeRuleAt - errorInRule);
    about.writeInt32LE(error);
    about.write(part, partInRule - errorInRule);
    writeSync(file, about, 0, about.length, at + errorInRule);
    writeSync(file, word(times), 0, 4, at);
    writeSync(file, word(delayMs), 0, 4, at + delayInRule);
  });
}

function setFlag(dataDir: string, at: number, value: number): void {
  withControl(dataDir, (file) => writeSync(file, word(value), 0, 4, at));
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Faults may be wanted before the first process has seen the disk. */
function withControl<T>(dataDir: string, use: (file: number) => T): T {
  const record = recordOf(dataDir);
  mkdirSync(record, { recursive: true });
  const path = join(record, "control");
  const isNew = !existsSync(path);
  const file = openSync(path, isNew ? "w+" : "r+");
  try {
    if (isNew) writeSync(file, Buffer.alloc(controlBytes), 0, controlBytes, 0);
    return use(file);
  } finally {
    closeSync(file);
  }
}
