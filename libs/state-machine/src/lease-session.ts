import { assertNever, binaryString, bytesOfBinaryString, EMPTY_BYTES, writeUint64 } from "@quorate/base";
import { NO_LEASE, writeLease, type LeaseId, type LeaseRecord } from "@quorate/lease";
import type { LeaseAttachments, LeaseTable } from "@quorate/mvcc";
import {
  ATTACHMENT_BYTES,
  attachmentKey,
  encodeRecord,
  LEASE_BYTES,
  recordKey,
  recordOf,
} from "./lease-rows";
import { storedLeaseKeys } from "./leases";
import type { LeaseChange, StateBatch, StateView } from "./types";

/**
 * The leases during one apply batch: what the store holds, with the changes of the batch on top. A lease is looked up when
 * a command names it, so opening a store costs nothing however many leases it has.
 *
 * Keeps the keys that it is told of. Nothing is written before `flush`.
 */
export class LeaseSession implements LeaseTable, LeaseAttachments {
  readonly #view: StateView;
  /** What was looked up or changed; `undefined`: there is no such lease. */
  readonly #records = new Map<LeaseId, LeaseRecord | undefined>();
  readonly #changed = new Set<LeaseId>();
  /** By lease and binary key: whether a key that the batch has moved is attached now. */
  readonly #attachments = new Map<LeaseId, Map<string, boolean>>();
  readonly #changes: LeaseChange[] = [];
  #growth = 0;

  constructor(view: StateView) {
    this.#view = view;
  }

  /** All changes so far, in order. */
  get changes(): readonly LeaseChange[] {
    return this.#changes;
  }

  has(id: LeaseId): boolean {
    return this.find(id) !== undefined;
  }

  find(id: LeaseId): LeaseRecord | undefined {
    if (this.#records.has(id)) return this.#records.get(id);
    const row = this.#view.get("lease", recordKey(id));
    const record = row === undefined ? undefined : recordOf(id, row);
    this.#records.set(id, record);
    return record;
  }

  /** The keys attached at this point, ascending. */
  keysOf(id: LeaseId): Uint8Array[] {
    const names = new Set(storedLeaseKeys(this.#view, id).map(binaryString));
    for (const [name, attached] of this.#attachments.get(id) ?? []) {
      if (attached) names.add(name);
      else names.delete(name);
    }
    // Binary strings order like the bytes that they stand for.
    return [...names].sort((a, b) => (a < b ? -1 : 1)).map(bytesOfBinaryString);
  }

  /** There must be no lease with that id. */
  grant(id: LeaseId, ttlSeconds: number, sequence: number): void {
    this.#set(id, { id, ttlSeconds, sequence, remainingSeconds: 0 });
    this.#growth += LEASE_BYTES;
    this.#changes.push({ kind: "granted", id, ttlSeconds, sequence });
  }

  /** Its keys must be gone already. */
  end({ id, sequence }: LeaseRecord): void {
    this.#set(id, undefined);
    this.#growth -= LEASE_BYTES;
    this.#changes.push({ kind: "ended", id, sequence });
  }

  checkpoint(record: LeaseRecord, remainingSeconds: number): void {
    const { id, sequence } = record;
    this.#set(id, { ...record, remainingSeconds });
    this.#changes.push({ kind: "checkpointed", id, sequence, remainingSeconds });
  }

  moved(key: Uint8Array, from: LeaseId, to: LeaseId): void {
    const name = binaryString(key);
    const bytes = ATTACHMENT_BYTES + key.length;
    if (from !== NO_LEASE) {
      this.#attachmentsOf(from).set(name, false);
      this.#growth -= bytes;
    }
    if (to !== NO_LEASE) {
      this.#attachmentsOf(to).set(name, true);
      this.#growth += bytes;
    }
  }

  /** Puts every change into `batch`. @returns by how many bytes that makes the store larger; may be negative. */
  flush(batch: StateBatch): number {
    for (const id of this.#changed) {
      const record = this.#records.get(id);
      if (record === undefined) batch.del("lease", recordKey(id));
      else batch.put("lease", recordKey(id), encodeRecord(record));
    }
    for (const [id, keys] of this.#attachments) {
      for (const [name, attached] of keys) {
        const row = attachmentKey(id, bytesOfBinaryString(name));
        if (attached) batch.put("lease", row, EMPTY_BYTES);
        else batch.del("lease", row);
      }
    }
    return this.#growth;
  }

  #set(id: LeaseId, record: LeaseRecord | undefined): void {
    this.#records.set(id, record);
    this.#changed.add(id);
  }

  #attachmentsOf(id: LeaseId): Map<string, boolean> {
    let attachments = this.#attachments.get(id);
    if (attachments === undefined) this.#attachments.set(id, (attachments = new Map<string, boolean>()));
    return attachments;
  }
}

const CHANGE_BYTES = 25;

/** Changes in the form that the effect hash covers: one after another, however they were batched. */
export function encodeLeaseChanges(changes: readonly LeaseChange[]): Uint8Array {
  const bytes = new Uint8Array(changes.length * CHANGE_BYTES);
  for (const [at, change] of changes.entries()) {
    const offset = at * CHANGE_BYTES;
    bytes[offset] = changeCode(change);
    writeLease(bytes, offset + 1, change.id);
    writeUint64(bytes, offset + 9, change.sequence);
    writeUint64(bytes, offset + 17, amountOf(change));
  }
  return bytes;
}

/** Compared between members of different versions: never reuse or change one. */
function changeCode(change: LeaseChange): number {
  switch (change.kind) {
    case "granted":
      return 1;
    case "ended":
      return 2;
    case "checkpointed":
      return 3;
    default:
      return assertNever(change);
  }
}

function amountOf(change: LeaseChange): number {
  switch (change.kind) {
    case "granted":
      return change.ttlSeconds;
    case "ended":
      return 0;
    case "checkpointed":
      return change.remainingSeconds;
    default:
      return assertNever(change);
  }
}
