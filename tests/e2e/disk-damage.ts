import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What failing hardware, or a careless hand, does to files of a member that does not run. */
export type Damage = (memberDir: string) => void;

type Change = (bytes: Buffer) => Buffer | undefined;

/** Changes the files of a folder whose names match; one at least must, and not be empty. */
function inFiles(folder: string, names: RegExp, change: Change): Damage {
  return (memberDir) => {
    const directory = join(memberDir, folder);
    const files = readdirSync(directory).filter(
      (name) => names.test(name) && statSync(join(directory, name)).size > 0,
    );
    if (files.length === 0)
      throw new Error(`There is no file ${names} in ${directory} that could be damaged`);
    for (const name of files) {
      const changed = change(readFileSync(join(directory, name)));
      if (changed === undefined) rmSync(join(directory, name));
      else writeFileSync(join(directory, name), changed);
    }
  };
}

/** One bit, at a share of the file. */
const flip =
  (where: number): Change =>
  (bytes) => {
    bytes[Math.floor(bytes.length * where)]! ^= 0x10;
    return bytes;
  };
const cutTo =
  (share: number): Change =>
  (bytes) =>
    bytes.subarray(0, Math.floor(bytes.length * share));
const shortenBy =
  (count: number): Change =>
  (bytes) =>
    bytes.subarray(0, Math.max(1, bytes.length - count));
const erase: Change = (bytes) =>
  bytes.fill(0, Math.floor(bytes.length * 0.4), Math.floor(bytes.length * 0.5));
const scramble: Change = (bytes) => {
  for (let at = 0; at < Math.min(64, bytes.length); at += 1) bytes[at] = ~bytes[at]! & 0xff;
  return bytes;
};
/** Each block of a table has a checksum; some are in the cache of nobody. */
const flipEverywhere: Change = (bytes) => {
  for (let at = 5; at < bytes.length; at += 300) bytes[at]! ^= 0x10;
  return bytes;
};
const remove: Change = () => undefined;

const ANCHOR_SLOT_BYTES = 4096;

/** One bit of the slot with the higher sequence number, or of both. */
const inAnchor =
  (which: "newest" | "both"): Change =>
  (bytes) => {
    const sequence = (slot: number): bigint => bytes.readBigUInt64BE(slot * ANCHOR_SLOT_BYTES + 16);
    const newest = bytes.length > ANCHOR_SLOT_BYTES && sequence(1) > sequence(0) ? 1 : 0;
    for (const slot of which === "both" ? [0, 1] : [newest])
      if (slot * ANCHOR_SLOT_BYTES < bytes.length) bytes[slot * ANCHOR_SLOT_BYTES + 50]! ^= 0x10;
    return bytes;
  };

const wal = /^\d+\.log$/;
const tables = /\.sst$/;

export const damage = {
  logWalFlip: inFiles("raft", wal, flip(0.5)),
  logWalFlipNearEnd: inFiles("raft", wal, flip(0.97)),
  logWalErased: inFiles("raft", wal, erase),
  logWalCut: inFiles("raft", wal, cutTo(0.5)),
  logWalTorn: inFiles("raft", wal, shortenBy(100)),
  logWalRemoved: inFiles("raft", wal, remove),
  logTablesFlip: inFiles("raft", tables, flipEverywhere),
  logTablesRemoved: inFiles("raft", tables, remove),
  logManifest: inFiles("raft", /^MANIFEST/, scramble),
  logManifestRemoved: inFiles("raft", /^MANIFEST/, remove),
  logCurrent: inFiles("raft", /^CURRENT$/, scramble),
  logCurrentRemoved: inFiles("raft", /^CURRENT$/, remove),
  logGone: (memberDir: string) => rmSync(join(memberDir, "raft"), { recursive: true }),
  stateWalFlip: inFiles("state", wal, flip(0.5)),
  stateWalRemoved: inFiles("state", wal, remove),
  anchorSlot: inFiles(".", /^anchor$/, inAnchor("newest")),
  anchorBothSlots: inFiles(".", /^anchor$/, inAnchor("both")),
  anchorRemoved: inFiles(".", /^anchor$/, remove),
} satisfies Record<string, Damage>;

/** Puts one database, or the whole directory, back to what a copy has. */
export function putBack(copy: string, memberDir: string, folder = "."): void {
  rmSync(join(memberDir, folder), { recursive: true, force: true });
  cpSync(join(copy, folder), join(memberDir, folder), { recursive: true });
}
