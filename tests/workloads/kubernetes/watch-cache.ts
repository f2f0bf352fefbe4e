import { etcdserverpb, mvccpb } from "@quorate/wire";

import { EtcdWatch } from "../../harness/etcd-watch";
import { eventually } from "../../harness/eventually";
import { objectOf, prefixEnd, type ObjectStore, type StoredObject } from "./object-store";

/** One change as a watch told it. */
export interface Change {
  readonly revision: number;
  readonly key: string;
  /** `undefined`: deleted. */
  readonly object: StoredObject | undefined;
}

export interface WatchCacheOptions {
  /** Ends in a slash. */
  readonly prefix: string;
  /** Objects in a page of the list that it begins with. */
  readonly pageLimit: number;
  /** host:port of the gateway that is watched. */
  readonly address: string;
}

/**
 * The watch cache of an API server for one kind of resource: lists, watches from the revision behind the list, and believes
 * what progress notifications say. What would make it stale, or an informer fail, is noted in `violations`.
 */
export class WatchCache {
  readonly violations: string[] = [];
  /** Every change since the list, in the order of arrival. */
  readonly changes: Change[] = [];
  readonly #objects = new Map<string, StoredObject>();
  readonly #watch: EtcdWatch;
  readonly #initial: ReadonlyMap<string, StoredObject>;
  readonly listRevision: number;
  #progress: number;
  #newest: number;

  static async start(options: WatchCacheOptions, store: ObjectStore): Promise<WatchCache> {
    const list = await store.list(options.prefix, options.pageLimit);
    const cache = new WatchCache(options, list.objects, list.revision);
    await cache.#watch.untilCreated();
    return cache;
  }

  private constructor(options: WatchCacheOptions, objects: readonly StoredObject[], revision: number) {
    for (const object of objects) this.#objects.set(object.key, object);
    this.#initial = new Map(this.#objects);
    this.listRevision = this.#progress = this.#newest = revision;
    this.#watch = new EtcdWatch(options.address, { hasleader: "true" }, (response) => this.#take(response));
    this.#watch.create({
      key: Buffer.from(options.prefix),
      rangeEnd: Buffer.from(prefixEnd(options.prefix)),
      startRevision: revision + 1,
      prevKv: true,
      progressNotify: true,
    });
  }

  get objects(): ReadonlyMap<string, StoredObject> {
    return this.#objects;
  }

  get ended() {
    return this.#watch.ended;
  }

  /** The objects as they were at `revision`, which the cache must have seen pass. */
  at(revision: number): ReadonlyMap<string, StoredObject> {
    const objects = new Map(this.#initial);
    for (const { revision: changed, key, object } of this.changes) {
      if (changed > revision) break;
      if (object === undefined) objects.delete(key);
      else objects.set(key, object);
    }
    return objects;
  }

  /** A consistent read from the cache: asks for progress every 100 ms until it covers `revision`. */
  async consistentAt(revision: number, withinMs: number): Promise<ReadonlyMap<string, StoredObject>> {
    await eventually(`the cache to reach revision ${revision}`, { withinMs, everyMs: 100 }, () => {
      if (this.#progress >= revision) return true;
      this.#watch.send({ progressRequest: {} });
      return false;
    });
    return this.#objects;
  }

  close(): void {
    this.#watch.close();
  }

  #take(response: etcdserverpb.WatchResponse): void {
    if (response.canceled) this.violations.push(`cancelled: ${response.cancelReason}`);
    if (response.created || response.canceled) return;
    const revision = Number(response.header?.revision);
    if (response.events.length === 0) {
      if (revision < this.#progress) this.violations.push(`progress went back to ${revision}`);
      this.#progress = Math.max(this.#progress, revision);
      return;
    }
    for (const event of response.events) this.#apply(event);
    if (revision < this.#newest) this.violations.push(`a response of ${revision} holds later events`);
    this.#progress = Math.max(this.#progress, this.#newest);
  }

  #apply(event: mvccpb.Event.$Properties): void {
    const { kv, prevKv } = event;
    const object = objectOf(kv ?? {});
    const { key, version: revision } = object;
    const isPut = event.type !== mvccpb.Event.EventType.DELETE;
    const isCreate = isPut && Number(kv?.createRevision) === revision;
    const before = this.#objects.get(key);
    if (revision < this.#newest) this.violations.push(`${key}: ${revision} behind ${this.#newest}`);
    if (revision <= this.#progress)
      this.violations.push(`${key}: ${revision} behind progress ${this.#progress}`);
    if (isCreate && before !== undefined)
      this.violations.push(`${key}: created at ${revision}, and was there`);
    if (!isCreate && prevKv == null) this.violations.push(`${key}: etcd event received with PrevKv=nil`);
    if (!isCreate && before?.version !== Number(prevKv?.modRevision ?? 0))
      this.violations.push(`${key}: the previous version at ${revision} is another one`);
    this.#newest = revision;
    if (isPut) this.#objects.set(key, object);
    else this.#objects.delete(key);
    this.changes.push({ revision, key, object: isPut ? object : undefined });
  }
}
