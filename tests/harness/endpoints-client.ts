import type { etcdserverpb } from "@quorate/wire";

import { CallError, EtcdClient } from "./etcd-client";

const UNAVAILABLE = 14;

/**
 * What etcd's own clients are for somebody who calls them: several endpoints, and the next one when one is unavailable. Puts are given
 * again as well, which those clients leave to their callers; of a key that is written once nobody can tell.
 */
export class EndpointsClient {
  /** How often another endpoint was tried, and why. */
  readonly retries: string[] = [];
  readonly #clients: readonly EtcdClient[];
  #at: number;

  /** @param addresses `host:port` each. @param first Which one to begin with. */
  constructor(addresses: readonly string[], first = 0) {
    this.#clients = addresses.map((address) => new EtcdClient({ address }));
    this.#at = first;
  }

  put(request: etcdserverpb.PutRequest.$Properties) {
    return this.#try((client) => client.put(request));
  }

  range(request: etcdserverpb.RangeRequest.$Properties) {
    return this.#try((client) => client.range(request));
  }

  status() {
    return this.#try((client) => client.status());
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  /** Every endpoint twice, since the first to answer may be the next to end. */
  async #try<T>(call: (client: EtcdClient) => Promise<T>): Promise<T> {
    for (let left = 2 * this.#clients.length; ; left -= 1) {
      const at = this.#at;
      try {
        return await call(this.#clients[at % this.#clients.length]!);
      } catch (error) {
        if (!(error instanceof CallError) || error.code !== UNAVAILABLE || left === 1) throw error;
        this.retries.push(error.text);
        if (this.#at === at) this.#at += 1; // others may have gone on already
      }
    }
  }
}
