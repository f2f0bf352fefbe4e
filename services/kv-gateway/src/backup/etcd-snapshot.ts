import { hexId, utf8, writeUint64 } from "@quorate/base";
import { DatabaseWriter, encodeLeaseRow, EtcdBucket, EtcdMeta, leaseKey, revisionKey } from "@quorate/bbolt";
import {
  changesAfter,
  keptInHistory,
  keptInLatest,
  storedChange,
  type KeyValue,
  type Revision,
} from "@quorate/mvcc";
import {
  leaseInRow,
  STATE_COLUMNS,
  StateMachine,
  type Membership,
  type StateColumn,
} from "@quorate/state-machine";
import { MemoryKeyValueStore } from "@quorate/storage";
import type { ColumnRows } from "@quorate/wire";
import type { SpoolFile } from "./spool-file";
import { VersionSorter } from "./version-sorter";

export interface EtcdSnapshotOptions {
  /** Where versions are sorted that do not fit into memory. */
  readonly directory: string;
  readonly sortBytesMax: number;
}

/** Bytes that wait in memory to be written. */
const PENDING_BYTES_MAX = 1024 * 1024;

/**
 * Makes etcd's database out of the rows of a member's state. The columns come in this order: `meta`, which tells how far the state
 * is compacted, `lease`, `latest`, `history`, `event`.
 *
 * etcd has changes in the order of revisions. Those after the compaction are there in that order. What is older lies in the order of
 * keys, and without sub revisions: it is sorted, and numbered within each revision in the order of keys.
 */
export class EtcdSnapshot implements AsyncDisposable {
  readonly #writer: DatabaseWriter;
  readonly #sorter: VersionSorter;
  readonly #meta = new MemoryKeyValueStore<StateColumn>(STATE_COLUMNS);
  #state: StateMachine | undefined;
  #stage: "meta" | "leases" | "changes" = "meta";

  constructor(
    options: EtcdSnapshotOptions,
    private readonly dependencies: { readonly file: SpoolFile },
  ) {
    this.#writer = new DatabaseWriter({ write: (offset, bytes) => dependencies.file.write(offset, bytes) });
    this.#sorter = new VersionSorter({ directory: options.directory, runBytesMax: options.sortBytesMax });
  }

  /**
   * The next rows, whose bytes are kept.
   *
   * @throws {UnsupportedVersionError} A newer build wrote them.
   */
  async add(sections: readonly ColumnRows[]): Promise<void> {
    for (const section of sections) {
      for (let index = 0; index < section.keys.length; index += 1) {
        const [key, value] = [section.keys[index]!, section.values[index]!];
        if (section.column === "event" && this.#stage !== "changes") await this.#beginChanges();
        this.#addRow(section.column, key, value);
      }
    }
    await this.#sorter.relieve();
    await this.#relieve();
  }

  /** @returns the size of the database. */
  async end(): Promise<number> {
    if (this.#stage !== "changes") await this.#beginChanges();
    const { position, membership } = this.#knownState();
    this.#writeMeta(position, membership);
    this.#writer.beginBucket(EtcdBucket.MEMBERS);
    for (const member of membership.members.toSorted((one, other) =>
      hexId(one.id) < hexId(other.id) ? -1 : 1,
    ))
      this.#writer.put(utf8(hexId(member.id)), utf8(memberText(member)));
    const { ALARM, CLUSTER, MEMBERS_REMOVED, AUTH, AUTH_USERS, AUTH_ROLES } = EtcdBucket;
    for (const name of [ALARM, CLUSTER, MEMBERS_REMOVED, AUTH, AUTH_USERS, AUTH_ROLES])
      this.#writer.beginBucket(name);
    const bytes = this.#writer.end();
    await this.dependencies.file.flush();
    return bytes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sorter[Symbol.asyncDispose]();
  }

  #addRow(column: string, key: Uint8Array, value: Uint8Array): void {
    switch (column as StateColumn) {
      case "meta": {
        const batch = this.#meta.batch();
        batch.put("meta", key, value);
        batch.write({ sync: false });
        return;
      }
      case "lease": {
        if (this.#stage === "meta") this.#beginLeases();
        const lease = leaseInRow(key, value);
        if (lease === undefined) return;
        const row = {
          id: lease.id,
          ttlSeconds: BigInt(lease.ttlSeconds),
          remainingSeconds: BigInt(lease.remainingSeconds),
        };
        return this.#writer.put(leaseKey(lease.id), encodeLeaseRow(row));
      }
      case "latest":
        return this.#keep(keptInLatest(key, value, this.#compactRevision()));
      case "history":
        return this.#keep(keptInHistory(key, value, this.#compactRevision()));
      case "event":
        for (const event of changesAfter(key, value, this.#compactRevision())) {
          const at = revisionKey({ main: event.main, sub: event.sub, isTombstone: event.kind === "delete" });
          this.#writer.put(at, storedChange(event));
        }
    }
  }

  #keep(kv: KeyValue | undefined): void {
    if (kv === undefined) return;
    // A view of its chunk would keep all of that in memory.
    this.#sorter.add({ main: kv.modRevision, key: kv.key.slice(), value: storedChange({ kind: "put", kv }) });
  }

  #beginLeases(): void {
    this.#stage = "leases";
    this.#writer.beginBucket(EtcdBucket.LEASE);
  }

  async #beginChanges(): Promise<void> {
    if (this.#stage === "meta") this.#beginLeases();
    this.#stage = "changes";
    this.#writer.beginBucket(EtcdBucket.KEY);
    let [main, sub] = [0, 0];
    for await (const versions of this.#sorter.sorted()) {
      for (const version of versions) {
        sub = version.main === main ? sub + 1 : 0;
        ({ main } = version);
        this.#writer.put(revisionKey({ main, sub, isTombstone: false }), version.value);
      }
      await this.#relieve();
    }
  }

  #writeMeta(position: StateMachine["position"], { configuration }: Membership): void {
    const { CONF_STATE, CONSISTENT_INDEX, TERM, FINISHED_COMPACTION, SCHEDULED_COMPACTION } = EtcdMeta;
    this.#writer.beginBucket(EtcdBucket.META);
    const { index, term, compactRevision } = position;
    const voters = configuration.incoming.map((id) => String(BigInt.asUintN(64, id))).join(",");
    this.#writer.put(CONF_STATE, utf8(`{"voters":[${voters}],"auto_leave":false}`));
    this.#writer.put(CONSISTENT_INDEX, bigEndian(index));
    const compacted = revisionKey({ main: compactRevision, sub: 0, isTombstone: false });
    if (compactRevision > 0) {
      this.#writer.put(FINISHED_COMPACTION, compacted);
      this.#writer.put(SCHEDULED_COMPACTION, compacted);
    }
    this.#writer.put(TERM, bigEndian(term));
  }

  #compactRevision(): Revision {
    return this.#knownState().position.compactRevision;
  }

  /** What the rows of `meta` tell, once all of them are here. */
  #knownState(): StateMachine {
    return (this.#state ??= new StateMachine({}, { view: this.#meta }));
  }

  async #relieve(): Promise<void> {
    if (this.dependencies.file.pendingBytes >= PENDING_BYTES_MAX) await this.dependencies.file.flush();
  }
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeUint64(bytes, 0, value);
  return bytes;
}

/** As etcd stores it. The id is a number of 64 bits, which JSON can hold and JavaScript's numbers cannot. */
function memberText({ id, name, peerUrls, clientUrls }: Membership["members"][number]): string {
  const rest = JSON.stringify({ peerURLs: peerUrls, name, clientURLs: clientUrls });
  return `{"id":${BigInt.asUintN(64, id)},${rest.slice(1)}`;
}
