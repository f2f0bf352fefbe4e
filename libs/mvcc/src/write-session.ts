import type { StoreRevisions } from "./checks";
import type { EventRecorder } from "./event-recorder";
import { tombstone } from "./event-row";
import { isEmptyRange, isSingleKey, upperEndOf } from "./key-range";
import {
  createOfLatest,
  encodeLatest,
  keyValueOfLatest,
  leaseOfLatest,
  valueOfLatest,
  versionOfLatest,
} from "./latest-row";
import { OverlayView, type LatestEntry } from "./overlay-view";
import type { TxnStore } from "./txn";
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  Event,
  KeyValue,
  LeaseId,
  PutRequest,
  PutResponse,
  Revision,
} from "./types";
import { NO_LEASE } from "./types";
import type { ReadView, WriteBatch } from "./view";

/** Hears which keys come to belong to which lease: MVCC keeps the lease of a key, but not the keys of a lease. */
export interface LeaseAttachments {
  /** `key` belonged to `from` and belongs to `to`; they differ, and either may be "no lease". The key is kept. */
  moved(key: Uint8Array, from: LeaseId, to: LeaseId): void;
}

const NO_ATTACHMENTS: LeaseAttachments = { moved: () => undefined };

export interface WriteSessionDependencies {
  readonly view: ReadView;
  readonly recorder: EventRecorder;
  readonly attachments?: LeaseAttachments;
}

/**
 * The changes of one apply batch. Commands run one after another, each between `begin` and `end`; a command that
 * changes something takes the next main revision, and its changes sub revisions from 0.
 *
 * Keys of requests are kept, values are copied. Nothing is written before `flush`.
 */
export class WriteSession implements TxnStore, StoreRevisions {
  readonly #overlay: OverlayView;
  readonly #recorder: EventRecorder;
  readonly #attachments: LeaseAttachments;
  readonly #events: Event[] = [];
  #revision: Revision;
  #compactRevision: Revision;
  #changes = 0;

  constructor(start: StoreRevisions, dependencies: WriteSessionDependencies) {
    this.#overlay = new OverlayView(dependencies.view);
    this.#recorder = dependencies.recorder;
    this.#attachments = dependencies.attachments ?? NO_ATTACHMENTS;
    this.#revision = start.revision;
    this.#compactRevision = start.compactRevision;
  }

  /** Store and earlier commands together. */
  get view(): ReadView {
    return this.#overlay;
  }

  /** The last revision taken by a command that has ended. */
  get revision(): Revision {
    return this.#revision;
  }

  get compactRevision(): Revision {
    return this.#compactRevision;
  }

  get visibleRevision(): Revision {
    return this.#changes > 0 ? this.#nextRevision : this.#revision;
  }

  /** All changes so far, ordered by (main, sub). */
  get events(): readonly Event[] {
    return this.#events;
  }

  /** Loads keys that the commands are going to look up, with one call to the store. */
  prefetch(keys: readonly Uint8Array[]): void {
    this.#overlay.prefetch(keys);
  }

  begin(): void {
    this.#changes = 0;
  }

  end(): void {
    this.#revision = this.visibleRevision;
    this.#changes = 0;
  }

  /** Must have passed `checkPut`. */
  put(request: PutRequest): PutResponse {
    const main = this.#nextRevision;
    const entry = this.#overlay.entry(request.key);
    const old = entry.row;
    const create = old === undefined ? main : createOfLatest(old);
    const version = old === undefined ? 1 : versionOfLatest(old) + 1;
    const oldLease = old === undefined ? NO_LEASE : leaseOfLatest(old);
    const lease = old !== undefined && request.ignoreLease ? oldLease : request.lease;
    const value = old !== undefined && request.ignoreValue ? valueOfLatest(old) : request.value;
    const prevKv = old !== undefined && request.prevKv ? keyValueOfLatest(entry.key, old) : undefined;

    const row = encodeLatest(create, main, version, lease, value, this.#overlay.arena);
    this.#overlay.change(entry, main, row);
    if (lease !== oldLease) this.#attachments.moved(entry.key, oldLease, lease);
    this.#record("put", entry, {
      key: entry.key,
      createRevision: create,
      modRevision: main,
      version,
      value: valueOfLatest(row),
      lease,
    });
    return { revision: main, prevKv };
  }

  deleteRange(request: DeleteRangeRequest): DeleteRangeResponse {
    const prevKvs: KeyValue[] = [];
    const entries = this.#entriesIn(request);
    for (const entry of entries) {
      if (request.prevKv) prevKvs.push(keyValueOfLatest(entry.key, entry.row!));
      const main = this.#nextRevision;
      const lease = leaseOfLatest(entry.row!);
      this.#overlay.change(entry, main, undefined);
      if (lease !== NO_LEASE) this.#attachments.moved(entry.key, lease, NO_LEASE);
      this.#record("delete", entry, tombstone(entry.key, main));
    }
    return { revision: this.visibleRevision, deleted: entries.length, prevKvs };
  }

  /** Logical compaction: from here on reads below `revision` fail. The rows go later, see `compactStep`. */
  compact(revision: Revision): void {
    this.#compactRevision = revision;
  }

  /** Puts every change into `batch`. @returns by how many bytes that makes the store larger; may be negative. */
  flush(batch: WriteBatch): number {
    return this.#overlay.flush(batch) + this.#recorder.flush(batch);
  }

  get #nextRevision(): Revision {
    return (this.#revision + 1) as Revision;
  }

  /** The existing keys of a range, in key order. All of them at once: a scan does not survive changes below it. */
  #entriesIn(request: DeleteRangeRequest): LatestEntry[] {
    if (isSingleKey(request)) {
      const entry = this.#overlay.entry(request.key);
      return entry.row === undefined ? [] : [entry];
    }
    if (isEmptyRange(request)) return [];
    const entries: LatestEntry[] = [];
    const rows = this.#overlay.scan("latest", request.key, upperEndOf(request));
    try {
      for (let row = rows.next(); row !== undefined; row = rows.next()) {
        entries.push(this.#overlay.scannedEntry(row.key, row.value));
      }
    } finally {
      rows[Symbol.dispose]();
    }
    return entries;
  }

  #record(kind: Event["kind"], entry: LatestEntry, kv: KeyValue): void {
    const event: Event = {
      kind,
      main: this.#nextRevision,
      sub: this.#changes,
      kv,
      supersededRevision: entry.supersededRevision,
      historyBytes: entry.historyBytes,
    };
    this.#events.push(event);
    this.#recorder.append(event);
    this.#changes += 1;
  }
}
