import { setTimeout as pause } from "node:timers/promises";

import type { Prng } from "@quorate/base";

import type { Change } from "../checkers/history";
import { CallError, EtcdClient } from "../harness/etcd-client";
import { NotInTimeError } from "../harness/eventually";
import { ObjectStore, type StoredObject } from "./kubernetes/object-store";
import { WatchCache } from "./kubernetes/watch-cache";
import { generationOf, write, type Acknowledged, type ApiServer } from "./kubernetes/writers";

const OBJECTS = 60;
const PAGE = 25;
const RETRY_MS = 100;
const LIST_MS = 500;

interface List {
  readonly revision: number;
  readonly objects: readonly StoredObject[];
}

/**
 * API servers, played by hand, one at each gateway: guarded writes on the word of watch caches, which are begun anew when their
 * stream ends, and lists in pages. Calls may fail at any time. What was told is compared with the store's log in the end.
 */
export class ApiServerLoad {
  readonly #names: readonly string[];
  readonly #acknowledged: Acknowledged[] = [];
  readonly #lists: List[] = [];
  readonly #caches: WatchCache[] = [];
  readonly #clients: EtcdClient[] = [];
  readonly #work: readonly Promise<void>[];
  readonly #broken: string[] = [];
  #stopped = false;

  /** @param options.prefix Ends in a slash. @param options.writers Per API server. */
  constructor(
    private readonly options: {
      readonly prefix: string;
      readonly addresses: readonly string[];
      readonly writers: number;
      readonly timeoutMs: number;
    },
    private readonly prng: Prng,
  ) {
    this.#names = Array.from({ length: OBJECTS }, (_, at) => `${options.prefix}object-${at}`);
    this.#work = options.addresses.map((address) => this.#serve(address));
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  /** Caches that were begun anew. */
  get cachesBegun(): number {
    return this.#caches.length;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#work);
    for (const cache of this.#caches) cache.close();
    for (const client of this.#clients) client.close();
  }

  /** What is wrong, given all changes that ever were. */
  violations(log: readonly Change[]): string[] {
    const own = log.filter(({ key }) => key.startsWith(this.options.prefix));
    return [
      ...this.#broken,
      ...this.#caches.flatMap((cache) => [...cache.violations, ...cacheViolations(cache, own)]),
      ...lostUpdates(own),
      ...this.#acknowledgementViolations(own),
      ...this.#lists.flatMap((list) => listViolations(list, own)),
    ];
  }

  async #serve(address: string): Promise<void> {
    const client = new EtcdClient({ address, deadlineMs: this.options.timeoutMs });
    this.#clients.push(client);
    const store = new ObjectStore(client);
    const server: { store: ObjectStore; caches: WatchCache[] } = { store, caches: [] };
    await Promise.all([
      this.#keepCache(server, address),
      this.#list(store),
      ...Array.from({ length: this.options.writers }, () => this.#write(server)),
    ]);
  }

  async #keepCache(server: { store: ObjectStore; caches: WatchCache[] }, address: string): Promise<void> {
    const { prefix } = this.options;
    while (!this.#stopped) {
      const [cache] = server.caches;
      if (cache === undefined || cache.ended !== undefined) {
        cache?.close();
        await this.#attempt(async () => {
          const fresh = await WatchCache.start({ prefix, pageLimit: PAGE, address }, server.store);
          this.#caches.push(fresh);
          server.caches = [fresh];
        });
      }
      await pause(RETRY_MS);
    }
  }

  async #write(server: ApiServer): Promise<void> {
    while (!this.#stopped) {
      if (server.caches.length > 0)
        await this.#attempt(async () => {
          this.#acknowledged.push(
            ...(await write(server, { writes: 1, prng: this.prng, names: [this.#names] })),
          );
        });
      await pause(RETRY_MS / 4);
    }
  }

  async #list(store: ObjectStore): Promise<void> {
    while (!this.#stopped) {
      await this.#attempt(async () => {
        this.#lists.push(await store.list(this.options.prefix, PAGE));
      });
      await pause(LIST_MS);
    }
  }

  /** Failed calls are part of the game; answers that contradict themselves are not. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof CallError || error instanceof NotInTimeError) await pause(RETRY_MS);
      else this.#broken.push(String(error));
    }
  }

  #acknowledgementViolations(log: readonly Change[]): string[] {
    const changes = new Map(log.map((change) => [change.revision, change]));
    return this.#acknowledged.flatMap(({ revision, key, value }) => {
      const found = changes.get(revision);
      if (found?.key === key && found.value === value) return [];
      return [`${key} was acknowledged at ${revision}, where the log has ${JSON.stringify(found)}`];
    });
  }
}

function cacheViolations(cache: WatchCache, log: readonly Change[]): string[] {
  const expected = log.filter(({ revision }) => revision > cache.listRevision);
  return cache.changes.flatMap(({ revision, key, object }, at) => {
    const change = expected[at];
    if (change?.revision === revision && change.key === key && change.value === object?.value) return [];
    return [`a cache was told of ${key} at ${revision}, and the log goes on with ${JSON.stringify(change)}`];
  });
}

/** Updates that did not build on the version before them. */
function lostUpdates(log: readonly Change[]): string[] {
  const generations = new Map<string, number>();
  return log.flatMap(({ key, value, revision }) => {
    const expected = (generations.get(key) ?? 0) + 1;
    if (value === undefined) {
      generations.delete(key);
      return [];
    }
    const generation = generationOf(value);
    generations.set(key, generation);
    return generation === expected ? [] : [`${key} at ${revision}: ${generation} instead of ${expected}`];
  });
}

function listViolations({ revision, objects }: List, log: readonly Change[]): string[] {
  const expected = new Map<string, string>();
  for (const change of log) {
    if (change.revision > revision) break;
    if (change.value === undefined) expected.delete(change.key);
    else expected.set(change.key, change.value);
  }
  const wrong = objects.filter(({ key, value }) => expected.get(key) !== value).map(({ key }) => key);
  if (wrong.length === 0 && objects.length === expected.size) return [];
  return [`a list at ${revision} has ${objects.length} of ${expected.size}, wrong are ${wrong.join(", ")}`];
}
