import {
  EMPTY_BYTES,
  invariant,
  readUint32,
  readUint64,
  utf8,
  writeUint32,
  writeUint64,
} from "@quorate/base";
import { NO_COMPACTION, type CompactionProgress, type Revision } from "@quorate/mvcc";
import { assertKnownFormat } from "./cluster-version";
import type { AppliedPosition, StateBatch, StateView } from "./types";

/*
 * The rows of `meta`. Numbers are big endian; revisions that may be -1 are stored plus one.
 *
 *   format      STATE_FORMAT (8): how all rows of the store are laid out; missing in stores of before it was kept: 1
 *   applied     index, term, revision, compact revision + 1 (8 bytes each), effect hash (4)
 *   size        bytes of all rows of data (8)
 *   alarm...    an active alarm: see alarms.ts
 *   compaction  done + 1, target + 1 (8 bytes each), finished events of the row (4), key of the row
 */
export const STATE_FORMAT = 1;

const FORMAT = utf8("format");
const APPLIED = utf8("applied");
const COMPACTION = utf8("compaction");
const SIZE = utf8("size");
const SIZE_BYTES = 8;
const APPLIED_BYTES = 36;
const COMPACTION_HEADER_BYTES = 20;

/** Where a store stands that nothing was applied to. */
const FRESH: AppliedPosition = {
  index: 0,
  term: 0,
  revision: 1 as Revision,
  compactRevision: -1 as Revision,
  effectHash: 0,
};

/**
 * @returns Whether the store says its format.
 * @throws {UnsupportedVersionError} it is one that this build does not know.
 */
export function checkFormat(view: StateView): boolean {
  const row = view.get("meta", FORMAT);
  if (row !== undefined) assertKnownFormat("the state", readUint64(row, 0), STATE_FORMAT);
  return row !== undefined;
}

export function storeFormat(batch: StateBatch): void {
  const row = new Uint8Array(8);
  writeUint64(row, 0, STATE_FORMAT);
  batch.put("meta", FORMAT, row);
}

export function loadPosition(view: StateView): AppliedPosition {
  const row = view.get("meta", APPLIED);
  if (row === undefined) return FRESH;
  invariant(row.length === APPLIED_BYTES, "the applied position has a fixed size", { length: row.length });
  return {
    index: readUint64(row, 0),
    term: readUint64(row, 8),
    revision: readUint64(row, 16) as Revision,
    compactRevision: (readUint64(row, 24) - 1) as Revision,
    effectHash: readUint32(row, 32),
  };
}

export function storePosition(batch: StateBatch, position: AppliedPosition): void {
  const row = new Uint8Array(APPLIED_BYTES);
  writeUint64(row, 0, position.index);
  writeUint64(row, 8, position.term);
  writeUint64(row, 16, position.revision);
  writeUint64(row, 24, position.compactRevision + 1);
  writeUint32(row, 32, position.effectHash);
  batch.put("meta", APPLIED, row);
}

/** `undefined` in a store whose last batch was written before sizes were kept. */
export function loadStoredBytes(view: StateView): number | undefined {
  const row = view.get("meta", SIZE);
  if (row === undefined) return undefined;
  invariant(row.length === SIZE_BYTES, "the size of the store has a fixed size", { length: row.length });
  return readUint64(row, 0);
}

export function storeStoredBytes(batch: StateBatch, bytes: number): void {
  invariant(bytes >= 0, "a store is never smaller than empty", { bytes });
  const row = new Uint8Array(SIZE_BYTES);
  writeUint64(row, 0, bytes);
  batch.put("meta", SIZE, row);
}

export function loadCompaction(view: StateView): CompactionProgress {
  const row = view.get("meta", COMPACTION);
  if (row === undefined) return NO_COMPACTION;
  invariant(row.length >= COMPACTION_HEADER_BYTES, "the compaction mark is complete", { length: row.length });
  return {
    done: (readUint64(row, 0) - 1) as Revision,
    target: (readUint64(row, 8) - 1) as Revision,
    finishedEvents: readUint32(row, 16),
    row: row.length === COMPACTION_HEADER_BYTES ? EMPTY_BYTES : row.slice(COMPACTION_HEADER_BYTES),
  };
}

export function storeCompaction(batch: StateBatch, progress: CompactionProgress): void {
  const row = new Uint8Array(COMPACTION_HEADER_BYTES + progress.row.length);
  writeUint64(row, 0, progress.done + 1);
  writeUint64(row, 8, progress.target + 1);
  writeUint32(row, 16, progress.finishedEvents);
  row.set(progress.row, COMPACTION_HEADER_BYTES);
  batch.put("meta", COMPACTION, row);
}
