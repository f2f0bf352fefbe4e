import { crc32c, readUint32, readUint64, textOf, utf8, writeUint32, writeUint64 } from "@quorate/base";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import type { AnchorRecord } from "./anchor";

/** A block of most disks: what is written to one slot cannot tear the other. */
export const ANCHOR_SLOT_BYTES = 4096;

/**
 * One slot of an anchor. Numbers are big endian, as in the rows of the log.
 *
 * ```text
 *   0  magic (8)        8  format (4)        12  flags (4): 1 there is a vote, 2 there is a chain hash
 *   16 sequence (8)     24 cluster (8)       32  member (8)         40 incarnation (8)
 *   48 term (8)         56 vote (8)          64  last term (8)      72 last index (8)       80 chain (8)
 *   zeros                                                           4092 crc32c of all before (4)
 * ```
 */
const FORMAT = 1;
const MAGIC = utf8("QUORANCH");
const HAS_VOTE = 1;
const HAS_CHAIN = 2;
const CHECKSUM_AT = ANCHOR_SLOT_BYTES - 4;

export type AnchorSlot =
  /** `sequence` rises with each write: the higher of two is the newer. */
  | { readonly kind: "record"; readonly sequence: number; readonly record: AnchorRecord }
  | { readonly kind: "empty" }
  | { readonly kind: "damaged" }
  /** Sound, and written by a version that came later. */
  | { readonly kind: "newer-format"; readonly format: number };

export function encodeAnchorSlot(sequence: number, record: AnchorRecord): Uint8Array {
  const slot = new Uint8Array(ANCHOR_SLOT_BYTES);
  const view = new DataView(slot.buffer);
  const { vote, chain } = record;
  slot.set(MAGIC);
  writeUint32(slot, 8, FORMAT);
  writeUint32(slot, 12, (vote === undefined ? 0 : HAS_VOTE) | (chain === undefined ? 0 : HAS_CHAIN));
  writeUint64(slot, 16, sequence);
  view.setBigUint64(24, record.clusterId);
  view.setBigUint64(32, record.memberId);
  writeUint64(slot, 40, record.incarnation);
  writeUint64(slot, 48, record.term);
  view.setBigUint64(56, vote ?? 0n);
  writeUint64(slot, 64, record.last.term);
  writeUint64(slot, 72, record.last.index);
  writeUint64(slot, 80, chain ?? 0);
  writeUint32(slot, CHECKSUM_AT, crc32c(slot.subarray(0, CHECKSUM_AT)));
  return slot;
}

/** @param slot {@link ANCHOR_SLOT_BYTES}, or fewer if the file ends before. */
export function decodeAnchorSlot(slot: Uint8Array): AnchorSlot {
  if (slot.every((byte) => byte === 0)) return { kind: "empty" };
  if (slot.length !== ANCHOR_SLOT_BYTES || textOf(slot.subarray(0, 8)) !== textOf(MAGIC))
    return { kind: "damaged" };
  if (readUint32(slot, CHECKSUM_AT) !== crc32c(slot.subarray(0, CHECKSUM_AT))) return { kind: "damaged" };
  const format = readUint32(slot, 8);
  if (format > FORMAT) return { kind: "newer-format", format };
  const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength);
  const flags = readUint32(slot, 12);
  const record: AnchorRecord = {
    clusterId: view.getBigUint64(24),
    memberId: view.getBigUint64(32) as MemberId,
    incarnation: readUint64(slot, 40),
    term: readUint64(slot, 48) as Term,
    vote: (flags & HAS_VOTE) === 0 ? undefined : (view.getBigUint64(56) as MemberId),
    last: { term: readUint64(slot, 64) as Term, index: readUint64(slot, 72) as LogIndex },
    chain: (flags & HAS_CHAIN) === 0 ? undefined : readUint64(slot, 80),
  };
  return { kind: "record", sequence: readUint64(slot, 16), record };
}
