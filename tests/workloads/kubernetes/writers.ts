import { randomInteger, type Prng } from "@quorate/base";

import type { ObjectStore, StoredObject } from "./object-store";
import type { WatchCache } from "./watch-cache";

/** One API server: its connection to the store, and a watch cache per kind of resource. */
export interface ApiServer {
  readonly store: ObjectStore;
  readonly caches: readonly WatchCache[];
}

/** A write that was acknowledged. */
export interface Acknowledged {
  readonly revision: number;
  readonly key: string;
  /** `undefined`: deleted. */
  readonly value: string | undefined;
}

/** How often an object has been written since it was created: what a lost update would get wrong. */
export function generationOf(value: string): number {
  return (JSON.parse(value) as { readonly generation: number }).generation;
}

export function manifest(key: string, generation: number): string {
  return JSON.stringify({ kind: "Object", key, generation, padding: "x".repeat(400) });
}

/**
 * A controller's worth of writes: objects are created, updated and deleted on the word of a watch cache, which may be
 * stale, so that many guards fail and the current object of the other branch is gone on with.
 */
export async function write(
  { store, caches }: ApiServer,
  options: { readonly writes: number; readonly prng: Prng; readonly names: readonly (readonly string[])[] },
): Promise<readonly Acknowledged[]> {
  const { prng, names } = options;
  const acknowledged: Acknowledged[] = [];
  while (acknowledged.length < options.writes) {
    const kind = randomInteger(prng, 0, caches.length - 1);
    const own = names[kind] ?? [];
    const key = own[randomInteger(prng, 0, own.length - 1)] ?? "";
    const cached = caches[kind]?.objects.get(key);
    const done = await (cached === undefined
      ? create(store, key)
      : randomInteger(prng, 0, 9) < 2
        ? remove(store, cached)
        : update(store, cached));
    if (done !== undefined) acknowledged.push(done);
  }
  return acknowledged;
}

async function create(store: ObjectStore, key: string): Promise<Acknowledged | undefined> {
  const value = manifest(key, 1);
  const revision = await store.create(key, value);
  return revision === undefined ? undefined : { revision, key, value };
}

/** As GuaranteedUpdate does: with the cached object first, then with what the store says it is. */
async function update(store: ObjectStore, cached: StoredObject): Promise<Acknowledged | undefined> {
  for (let object: StoredObject | undefined = cached; object !== undefined;) {
    const value = manifest(object.key, generationOf(object.value) + 1);
    const outcome = await store.update(object.key, value, object.version);
    if (outcome.done) return { revision: outcome.revision, key: object.key, value };
    object = outcome.current;
  }
  return undefined;
}

async function remove(store: ObjectStore, cached: StoredObject): Promise<Acknowledged | undefined> {
  for (let object: StoredObject | undefined = cached; object !== undefined;) {
    const outcome = await store.delete(object.key, object.version);
    if (outcome.done) return { revision: outcome.revision, key: object.key, value: undefined };
    object = outcome.current;
  }
  return undefined;
}
