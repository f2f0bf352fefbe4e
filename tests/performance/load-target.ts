import { QuorateClient } from "@quorate/client";

import { EtcdClient } from "../harness/etcd-client";

/** Where load goes, in a form that can be handed to another process. */
export type TargetAddress =
  /** The etcd API of either product, at host:port. */
  | { readonly door: "grpc"; readonly address: string }
  /** Quorate's client library over its broker. */
  | { readonly door: "native"; readonly brokerUrl: string; readonly cluster: string };

/** The two calls that are measured. Both reject if the call fails. */
export interface LoadTarget extends AsyncDisposable {
  put(key: Buffer, value: Buffer): Promise<unknown>;
  /** A linearizable read of one key. @returns Whether the key was there. */
  get(key: Buffer): Promise<boolean>;
}

export async function openTarget(target: TargetAddress): Promise<LoadTarget> {
  switch (target.door) {
    case "grpc": {
      const client = new EtcdClient({ address: target.address });
      return {
        put: (key, value) => client.put({ key, value }),
        get: async (key) => (await client.range({ key })).kvs.length === 1,
        [Symbol.asyncDispose]: () => Promise.resolve(client.close()),
      };
    }
    case "native": {
      const client = await QuorateClient.connect({ cluster: target.cluster, servers: target.brokerUrl });
      return {
        put: (key, value) => client.put(key, value),
        get: async (key) => (await client.get(key)) !== undefined,
        [Symbol.asyncDispose]: () => client.close(),
      };
    }
  }
}
