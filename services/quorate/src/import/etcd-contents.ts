import { binaryString } from "@quorate/base";
import {
  DamagedDatabaseError,
  decodeLeaseRow,
  EtcdBucket,
  revisionOfKey,
  type DatabaseReader,
  type EtcdLease,
} from "@quorate/bbolt";
import { decodeMessage, mvccpb, signedId } from "@quorate/wire";

/** A key as it is at the newest revision of a store. */
export interface CurrentKey {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** 0: it is attached to none. */
  readonly lease: bigint;
}

/**
 * What an etcd store holds at its newest revision. Its changes lie in the order of revisions, so they are read twice: first for which
 * change of each key is the last one. That takes memory for every key, not for its value.
 */
export class EtcdContents {
  /** The newest revision that the store tells of. */
  readonly revision: number;
  readonly leases: readonly EtcdLease[];
  /** Whether there are users or roles. */
  readonly hasAuth: boolean;
  /** Which change, counted from 0, is the last one of a key that exists. */
  readonly #last = new Map<string, number>();

  /** @throws {DamagedDatabaseError} */
  constructor(private readonly reader: DatabaseReader) {
    if (reader.bucket(EtcdBucket.KEY) === undefined)
      throw new DamagedDatabaseError("bucket key", "there is none: this is no etcd store");
    let revision = 0;
    for (const { at, main, isTombstone, change } of this.#changes()) {
      const key = binaryString(change.key);
      if (isTombstone) this.#last.delete(key);
      else this.#last.set(key, at);
      revision = main;
    }
    this.revision = revision;
    this.leases = [...(reader.bucket(EtcdBucket.LEASE)?.rows() ?? [])].map(({ value }) =>
      decodeLeaseRow(value),
    );
    this.hasAuth = [EtcdBucket.AUTH_USERS, EtcdBucket.AUTH_ROLES].some(
      (name) => reader.bucket(name)?.rows().next().done === false,
    );
  }

  /** How many keys there are. */
  get keyCount(): number {
    return this.#last.size;
  }

  /** Every key, in the order in which they were written last. @throws {DamagedDatabaseError} */
  *keys(): Generator<CurrentKey> {
    const leases = new Set(this.leases.map(({ id }) => id));
    for (const { at, isTombstone, change } of this.#changes()) {
      if (isTombstone || this.#last.get(binaryString(change.key)) !== at) continue;
      const lease = signedId(change.lease);
      // etcd, too, forgets an attachment to a lease that it does not have.
      yield { key: change.key, value: change.value, lease: leases.has(lease) ? lease : 0n };
    }
  }

  *#changes(): Generator<{
    readonly at: number;
    readonly main: number;
    readonly isTombstone: boolean;
    readonly change: mvccpb.KeyValue;
  }> {
    let at = 0;
    for (const row of this.reader.bucket(EtcdBucket.KEY)!.rows()) {
      const revision = revisionOfKey(row.key);
      if (revision === undefined) throw new DamagedDatabaseError("bucket key", "a key of it is no revision");
      const change = decodeMessage("KeyValue", mvccpb.KeyValue, row.value);
      yield { at, main: revision.main, isTombstone: revision.isTombstone, change };
      at += 1;
    }
  }
}
