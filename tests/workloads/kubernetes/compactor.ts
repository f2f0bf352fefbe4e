import type { etcdserverpb } from "@quorate/wire";

import { CallError, type EtcdClient } from "../../harness/etcd-client";

const COMPACT_REVISION_KEY = Buffer.from("compact_rev_key");

/**
 * What each API server does every five minutes: agree with the others on who compacts, and compact to the revision that the
 * last round noted (kubernetes: staging/src/k8s.io/apiserver/pkg/storage/etcd3/compact.go).
 */
export class Compactor {
  readonly #client: EtcdClient;
  #version = 0;
  #revision = 0;
  /** Rounds in which this one compacted. */
  compactions = 0;

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  /** The revision that was compacted last, as far as this one knows. */
  get compacted(): number {
    return this.#revision;
  }

  async round(): Promise<void> {
    const answer = await this.#client.txn({
      compare: [
        { key: COMPACT_REVISION_KEY, target: 0, result: 0, version: this.#version },
      ] as etcdserverpb.Compare.$Properties[],
      success: [{ requestPut: { key: COMPACT_REVISION_KEY, value: Buffer.from(`${this.#revision}`) } }],
      failure: [{ requestRange: { key: COMPACT_REVISION_KEY } }],
    });
    const now = Number(answer.header?.revision);
    if (!answer.succeeded) {
      const [kv] = answer.responses[0]?.responseRange?.kvs ?? [];
      this.#version = Number(kv?.version);
      this.#revision = now;
      return;
    }
    this.#version += 1;
    const revision = this.#revision;
    this.#revision = now;
    if (revision === 0) return;
    try {
      await this.#client.compact({ revision });
      this.compactions += 1;
    } catch (error) {
      const known = error instanceof CallError && error.text.includes("required revision has been compacted");
      if (!known) throw error;
    }
  }
}
