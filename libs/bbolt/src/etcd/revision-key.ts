import { readUint64, writeUint64 } from "@quorate/base";

/** The place of a change in etcd's order: main revision, and which change of it. */
export interface EtcdRevision {
  readonly main: number;
  readonly sub: number;
  readonly isTombstone: boolean;
}

const REVISION_BYTES = 17;
const SEPARATOR = 0x5f; // "_"
const TOMBSTONE = 0x74; // "t"

/** A key of the bucket `key`: main revision (8 bytes, big endian), "_", sub revision (8); "t" follows if it is a delete. */
export function revisionKey({ main, sub, isTombstone }: EtcdRevision): Uint8Array {
  const key = new Uint8Array(REVISION_BYTES + (isTombstone ? 1 : 0));
  writeUint64(key, 0, main);
  key[8] = SEPARATOR;
  writeUint64(key, 9, sub);
  if (isTombstone) key[REVISION_BYTES] = TOMBSTONE;
  return key;
}

/** `undefined`: it is no such key. */
export function revisionOfKey(key: Uint8Array): EtcdRevision | undefined {
  const isTombstone = key.length === REVISION_BYTES + 1 && key[REVISION_BYTES] === TOMBSTONE;
  if ((key.length !== REVISION_BYTES && !isTombstone) || key[8] !== SEPARATOR) return undefined;
  const [main, sub] = [readUint64(key, 0), readUint64(key, 9)];
  return Number.isSafeInteger(main) && Number.isSafeInteger(sub) ? { main, sub, isTombstone } : undefined;
}
