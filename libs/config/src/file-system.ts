import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Advice } from "./cluster-advice";

/** What a directory lies on. */
export interface FileSystem {
  /** As `mount` calls it, or the number that Linux has for it. */
  readonly kind: string;
  /** For processes without privileges. */
  readonly freeBytes: number;
  /** The directory that was looked at: the nearest one that is there. */
  readonly path: string;
}

/** Linux: include/uapi/linux/magic.h, and fs/ for those that are not listed there. */
const KINDS: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x2fc12fc1, "zfs"],
  [0xf2f52010, "f2fs"],
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"],
  [0x6969, "nfs"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x65735546, "fuse"],
  [0x01021997, "9p"],
  [0x794c7630, "overlay"],
  [0x00c36400, "ceph"],
]);

const ADVICE: Readonly<Record<string, Advice>> = {
  ...everyOf(["tmpfs", "ramfs"], {
    text: "is in memory: what is acknowledged there is lost with the machine, as if it had never been synced",
    remedy: "Use a directory on a disk.",
  }),
  ...everyOf(["nfs", "cifs", "smb2", "ceph", "9p", "fuse"], {
    text: "is a network or user-space file system: syncs are slow, locks may not hold, and the cluster depends on whoever serves it",
    remedy: "Use a local disk; members keep copies of each other's data already.",
  }),
  overlay: {
    text: "is the writable layer of a container: it is gone when the container is replaced",
    remedy: "Mount a volume there.",
  },
};

/** @param dataDir Need not be there yet. */
export function fileSystemOf(dataDir: string): FileSystem {
  let path = dataDir;
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  const { type, bavail, bsize } = statfsSync(path);
  const magic = type >>> 0;
  return { kind: KINDS.get(magic) ?? `0x${magic.toString(16)}`, freeBytes: bavail * bsize, path };
}

/** What is wrong with such a file system, if anything is; the text begins with its verb. */
export function fileSystemAdvice(kind: string): Advice | undefined {
  return ADVICE[kind];
}

/**
 * Whether the disk is full before the quota is reached. A member needs more than it stores: the log, and what the engine has not merged
 * yet, or another state beside its own while it fetches one.
 *
 * @param usedBytes What the member has there already.
 */
export function freeSpaceAdvice(
  { freeBytes }: Pick<FileSystem, "freeBytes">,
  quotaBytes: number,
  usedBytes: number,
): Advice | undefined {
  const needed = quotaBytes - usedBytes;
  if (freeBytes >= needed) return undefined;
  const quota = Number.isFinite(quotaBytes) ? mebibytes(quotaBytes) : "not limited";
  return {
    text:
      `the quota is ${quota}, and ${mebibytes(freeBytes)} are free: the disk may be full before the quota refuses writes, and then ` +
      "the member ends",
    remedy: "Lower --quota-backend-bytes, or make room.",
  };
}

export function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}

function everyOf(kinds: readonly string[], advice: Advice): Record<string, Advice> {
  return Object.fromEntries(kinds.map((kind) => [kind, advice]));
}
