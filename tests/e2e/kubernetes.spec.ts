import { seededPrng } from "@quorate/base";

import { EtcdClient } from "../harness/etcd-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";
import { QuorateCluster } from "../harness/quorate-cluster";
import { Compactor } from "../workloads/kubernetes/compactor";
import { ObjectStore, objectOf, prefixEnd } from "../workloads/kubernetes/object-store";
import { WatchCache } from "../workloads/kubernetes/watch-cache";
import { generationOf, manifest, write, type ApiServer } from "../workloads/kubernetes/writers";

const PREFIXES = ["/registry/pods/", "/registry/configmaps/", "/registry/leases/"] as const;
const OBJECTS = [3000, 1500, 500] as const;
const WRITERS = 50;
const WRITES_EACH = 40;
const PAGE = 500;
const WITHIN_MS = 30_000;

/** The names of all objects that exist at some time, by kind. */
const names = PREFIXES.map((prefix, kind) =>
  Array.from({ length: OBJECTS[kind] ?? 0 }, (_, at) => `${prefix}namespace-${at % 40}/object-${at}`),
);

// Goal: what an API server relies on holds while many of them write. Method: two API servers on two gateways with 5,000
// objects, 50 writers that go by caches, and lists, consistent reads and compactions beside them; then the streams of both
// servers, every list and every acknowledgement must tell one and the same story.
describe("a cluster under two Kubernetes API servers", () => {
  let cluster: QuorateCluster;
  const clients: EtcdClient[] = [];
  const servers: ApiServer[] = [];

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, gateways: 2, fanouts: 2 });
    for (const gateway of ["gateway1", "gateway2"])
      clients.push(new EtcdClient({ address: cluster.address(gateway) }));
    const store = new ObjectStore(clients[0]!);
    await together(WRITERS, async (writer) => {
      for (const [kind, keys] of names.entries()) {
        // A tenth of the objects is missing at first, so that there is something to create.
        for (let at = writer; at < keys.length; at += WRITERS)
          if (at % 10 !== kind) await store.create(keys[at]!, manifest(keys[at]!, 1));
      }
    });
    for (const [at, client] of clients.entries())
      servers.push(await startServer(client, cluster.address(`gateway${at + 1}`)));
  }, 120_000);

  afterAll(async () => {
    for (const { caches } of servers) for (const cache of caches) cache.close();
    for (const client of clients) client.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  async function startServer(client: EtcdClient, address: string): Promise<ApiServer> {
    const store = new ObjectStore(client);
    const caches = await Promise.all(
      PREFIXES.map((prefix) => WatchCache.start({ prefix, pageLimit: PAGE, address }, store)),
    );
    return { store, caches };
  }

  it("keeps caches, lists and acknowledgements in agreement while 50 writers write", async () => {
    const lists: {
      readonly kind: number;
      readonly revision: number;
      readonly objects: ReadonlyMap<string, string>;
    }[] = [];
    let writing = true;
    const reading = servers.map(async ({ store, caches }) => {
      for (let kind = 0; writing; kind = (kind + 1) % PREFIXES.length) {
        const prefix = PREFIXES[kind]!;
        const { objects, revision } = await store.list(prefix, PAGE);
        lists.push({ kind, revision, objects: valuesOf(objects) });
        const newest = await store.revision(prefix);
        await caches[kind]!.consistentAt(newest, WITHIN_MS);
        expect(newest).toBeGreaterThanOrEqual(revision);
      }
    });
    const written = await Promise.all(
      Array.from({ length: WRITERS }, (_, writer) =>
        write(servers[writer % 2]!, { writes: WRITES_EACH, prng: seededPrng(writer + 1), names }),
      ),
    );
    writing = false;
    await Promise.all(reading);
    const acknowledged = written.flat();

    for (const [at, { store, caches }] of servers.entries()) {
      for (const [kind, cache] of caches.entries()) {
        const prefix = PREFIXES[kind]!;
        const objects = await cache.consistentAt(await store.revision(prefix), WITHIN_MS);
        const stored = await store.list(prefix, 0);
        expect(valuesOf(objects.values())).toEqual(valuesOf(stored.objects));
        expect(await store.count(prefix)).toBe(objects.size);
        expect(cache.violations).toEqual([]);
        expect(cache.ended).toBeUndefined();
        expect(cache.changes.map(told)).toEqual(servers[1 - at]!.caches[kind]!.changes.map(told));
      }
    }
    const [{ caches }] = servers as [ApiServer, ApiServer];
    const changes = new Map(
      caches.flatMap((cache) => cache.changes).map((change) => [change.revision, change]),
    );
    expect(changes.size).toBe(acknowledged.length);
    const contradicted = acknowledged.filter(
      ({ revision, key, value }) =>
        changes.get(revision)?.key !== key || changes.get(revision)?.object?.value !== value,
    );
    expect(contradicted).toEqual([]);
    for (const { kind, revision, objects } of lists)
      expect(objects).toEqual(valuesOf(caches[kind]!.at(revision).values()));
    expect(lists.length).toBeGreaterThan(5);
    expect(lostUpdates(caches)).toEqual([]);
    process.stderr.write(`${acknowledged.length} writes, ${lists.length} lists of ${PAGE} per page\n`);
  }, 180_000);

  it("lets the API servers agree on compaction, and tells old readers that they come too late", async () => {
    const [one, two] = clients.map((client) => new Compactor(client)) as [Compactor, Compactor];
    const store = servers[0]!.store;
    const prefix = PREFIXES[0];
    const firstPage = await store.page(prefix, PAGE);
    for (let round = 0; round < 4; round += 1) {
      await clients[0]!.put({ key: Buffer.from(`/registry/events/round-${round}`) });
      await Promise.all([one.round(), two.round()]);
    }
    expect(one.compactions + two.compactions).toBe(3);

    const after = firstPage.objects.at(-1)!.key;
    const continued = store.page(prefix, PAGE, { after, revision: firstPage.revision });
    await expect(continued).rejects.toMatchObject({
      code: 11,
      text: "etcdserver: mvcc: required revision has been compacted",
    });
    const watch = new EtcdWatch(cluster.address("gateway2"), { hasleader: "true" });
    watch.create({
      key: Buffer.from(prefix),
      rangeEnd: Buffer.from(prefixEnd(prefix)),
      startRevision: firstPage.revision,
    });
    await watch.untilResponses(2);
    expect(watch.responses[0]).toMatchObject({ created: true });
    expect(watch.responses[1]).toMatchObject({ canceled: true });
    expect(Number(watch.responses[1]?.compactRevision)).toBeGreaterThan(firstPage.revision);
    watch.close();
    for (const { caches } of servers)
      for (const cache of caches) expect([cache.violations, cache.ended]).toEqual([[], undefined]);
  }, 60_000);

  it("answers a revision that is still to come as every API server expects", async () => {
    const store = servers[1]!.store;
    const revision = (await store.revision(PREFIXES[0])) + 1000;
    await expect(store.page(PREFIXES[0], PAGE, { after: "", revision })).rejects.toMatchObject({
      code: 11,
      text: "etcdserver: mvcc: required revision is a future revision",
    });
  });

  it("lets events go with their lease, all at one revision, each with its last version", async () => {
    const prefix = "/registry/events/";
    const { ID: lease } = await clients[0]!.leaseGrant({ TTL: 2 });
    const store = servers[0]!.store;
    const from = await store.revision(prefix);
    const watch = new EtcdWatch(cluster.address("gateway2"), { hasleader: "true" });
    watch.create({
      key: Buffer.from(prefix),
      rangeEnd: Buffer.from(prefixEnd(prefix)),
      startRevision: from + 1,
      prevKv: true,
    });
    const keys = Array.from({ length: 200 }, (_, at) => `${prefix}namespace/event.${at}`);
    await Promise.all(keys.map((key) => store.create(key, manifest(key, 1), lease)));
    await eventually("the events to be gone", { withinMs: WITHIN_MS }, () => watch.events.length >= 400);
    const deleted = watch.events.filter(({ type }) => type === 1);
    expect(new Set(deleted.map(({ kv }) => Number(kv?.modRevision))).size).toBe(1);
    expect(deleted.map(({ prevKv }) => objectOf(prevKv ?? {}).key).toSorted()).toEqual(keys.toSorted());
    watch.close();
  }, 60_000);

  it("shows its version as plain numbers, and answers the read of a key that health checks make", async () => {
    for (const client of clients) {
      expect((await client.status()).version).toMatch(/^\d+\.\d+\.\d+$/);
      expect((await client.range({ key: Buffer.from("/registry/health") })).kvs).toEqual([]);
    }
  });
});

function together(count: number, work: (at: number) => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, (_, at) => work(at)));
}

function valuesOf(
  objects: Iterable<{ readonly key: string; readonly value: string }>,
): ReadonlyMap<string, string> {
  return new Map(
    [...objects].toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ key, value }) => [key, value] as const),
  );
}

function told({ revision, key }: { readonly revision: number; readonly key: string }): string {
  return `${revision} ${key}`;
}

/** Updates that did not build on the version before them. */
function lostUpdates(caches: readonly WatchCache[]): readonly string[] {
  return caches.flatMap((cache) => {
    const generations = new Map(
      [...cache.at(cache.listRevision)].map(([key, { value }]) => [key, generationOf(value)]),
    );
    return cache.changes.flatMap(({ key, object, revision }) => {
      const expected = (generations.get(key) ?? 0) + 1;
      if (object === undefined) {
        generations.delete(key);
        return [];
      }
      const generation = generationOf(object.value);
      generations.set(key, generation);
      return generation === expected ? [] : [`${key} at ${revision}: ${generation} instead of ${expected}`];
    });
  });
}
