import type { etcdserverpb, mvccpb } from "@quorate/wire";

import type { EtcdClient } from "../../harness/etcd-client";

/** An object as an API server keeps it: its key, what is in it, and its resource version. */
export interface StoredObject {
  readonly key: string;
  readonly value: string;
  /** The mod revision. */
  readonly version: number;
}

/** What a guarded write found: it was done at a revision, or the object is another one by now (or gone). */
export type Guarded =
  | { readonly done: true; readonly revision: number }
  | { readonly done: false; readonly current: StoredObject | undefined };

export interface ListPage {
  readonly objects: readonly StoredObject[];
  /** Of the whole list: that of its first page. */
  readonly revision: number;
  /** Objects that were left out by the limit, as told by the count. */
  readonly remaining: number;
}

type Lease = NonNullable<etcdserverpb.PutRequest.$Properties["lease"]>;

/** The end of the range of all keys with a prefix that ends in a slash. */
export function prefixEnd(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}

/**
 * The store of an API server: the very requests that kube-apiserver makes, and its demands on the answers
 * (kubernetes: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go; etcd: client/v3/kubernetes/client.go).
 */
export class ObjectStore {
  readonly #client: EtcdClient;

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  async get(key: string): Promise<StoredObject | undefined> {
    const { kvs } = await this.#client.range({ key: Buffer.from(key), limit: 1 });
    return kvs.map(objectOf)[0];
  }

  /** Puts an object that must not exist. @returns The revision, `undefined` if it exists already. */
  async create(key: string, value: string, lease: Lease = 0): Promise<number | undefined> {
    const answer = await this.#client.txn({
      compare: [unchanged(key, 0)],
      success: [{ requestPut: { key: Buffer.from(key), value: Buffer.from(value), lease } }],
    });
    return answer.succeeded ? revisionOf(answer.responses[0]?.responsePut) : undefined;
  }

  async update(key: string, value: string, version: number): Promise<Guarded> {
    return this.#guarded(key, version, {
      requestPut: { key: Buffer.from(key), value: Buffer.from(value) },
    });
  }

  async delete(key: string, version: number): Promise<Guarded> {
    return this.#guarded(key, version, { requestDeleteRange: { key: Buffer.from(key) } });
  }

  /** The first page of a list at the present, or a page of the list that began at `revision` with `after` as its last key. */
  async page(
    prefix: string,
    limit: number,
    continued?: { readonly after: string; readonly revision: number },
  ): Promise<ListPage> {
    const answer = await this.#client.range({
      key: Buffer.from(continued === undefined ? prefix : `${continued.after}\0`),
      rangeEnd: Buffer.from(prefixEnd(prefix)),
      limit,
      revision: continued?.revision ?? 0,
    });
    const objects = answer.kvs.map(objectOf);
    const remaining = Number(answer.count) - objects.length;
    // Older API servers go by one of the two, newer ones by the other.
    if (answer.more !== remaining > 0) throw new Error("More to come and the count contradict each other");
    if (remaining > 0 && objects.length === 0) throw new Error("There is more, and nothing was sent");
    return { objects, revision: continued?.revision ?? revisionOf(answer), remaining };
  }

  /** Everything under a prefix as it was at the revision of the first page. */
  async list(prefix: string, limit: number): Promise<Omit<ListPage, "remaining">> {
    let page = await this.page(prefix, limit);
    const { revision } = page;
    const total = page.objects.length + page.remaining;
    const objects = [...page.objects];
    while (page.remaining > 0) {
      const after = objects.at(-1)?.key ?? "";
      page = await this.page(prefix, limit, { after, revision });
      objects.push(...page.objects);
      if (objects.length + page.remaining !== total) throw new Error("A page counted other objects");
    }
    return { objects, revision };
  }

  async count(prefix: string): Promise<number> {
    const { count, kvs } = await this.#client.range({
      key: Buffer.from(prefix),
      rangeEnd: Buffer.from(prefixEnd(prefix)),
      countOnly: true,
    });
    if (kvs.length > 0) throw new Error("Only a count was asked for");
    return Number(count);
  }

  /** The newest revision: at least that of every write that was acknowledged before the call. */
  async revision(prefix: string): Promise<number> {
    const answer = await this.#client.range({
      key: Buffer.from(prefix),
      rangeEnd: Buffer.from(prefixEnd(prefix)),
      limit: 1,
    });
    return revisionOf(answer);
  }

  async #guarded(
    key: string,
    version: number,
    request: etcdserverpb.RequestOp.$Properties,
  ): Promise<Guarded> {
    const answer = await this.#client.txn({
      compare: [unchanged(key, version)],
      success: [request],
      failure: [{ requestRange: { key: Buffer.from(key) } }],
    });
    const [first] = answer.responses;
    if (!answer.succeeded) return { done: false, current: first?.responseRange?.kvs?.map(objectOf)[0] };
    return { done: true, revision: revisionOf(first?.responsePut ?? first?.responseDeleteRange) };
  }
}

export function objectOf(kv: mvccpb.KeyValue.$Properties): StoredObject {
  return {
    key: Buffer.from(kv.key ?? []).toString(),
    value: Buffer.from(kv.value ?? []).toString(),
    version: Number(kv.modRevision),
  };
}

function unchanged(key: string, modRevision: number): etcdserverpb.Compare.$Properties {
  return { key: Buffer.from(key), target: 2, result: 0, modRevision } as etcdserverpb.Compare.$Properties;
}

/** An API server takes an answer without a header for an error. */
function revisionOf(
  answer: { readonly header?: etcdserverpb.ResponseHeader.$Properties | null } | null | undefined,
): number {
  const revision = Number(answer?.header?.revision ?? 0);
  if (revision === 0) throw new Error("nil header");
  return revision;
}
