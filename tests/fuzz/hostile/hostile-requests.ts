import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";
import { etcdserverpb } from "@quorate/wire";
import Long from "long";
import { mutated } from "../engine/mutator";
import { samplesOf } from "../targets/message-sample";

/** A request by where it is sent to, over gRPC and over NATS. */
export interface HostileRequest {
  readonly path: string;
  /** The tokens behind the cluster's in the subject. */
  readonly subject: string;
  readonly type: string;
}

const request = (path: string, subject: string, type: string): HostileRequest => ({
  path: `/etcdserverpb.${path}`,
  subject,
  type: `etcdserverpb.${type}`,
});

/** All that cannot end the cluster by doing what it is there for: membership changes are not among them. */
export const UNARY: readonly HostileRequest[] = [
  request("KV/Range", "kv.range", "RangeRequest"),
  request("KV/Put", "kv.put", "PutRequest"),
  request("KV/DeleteRange", "kv.deleterange", "DeleteRangeRequest"),
  request("KV/Txn", "kv.txn", "TxnRequest"),
  request("KV/Compact", "kv.compact", "CompactionRequest"),
  request("Lease/LeaseGrant", "lease.grant", "LeaseGrantRequest"),
  request("Lease/LeaseRevoke", "lease.revoke", "LeaseRevokeRequest"),
  request("Lease/LeaseTimeToLive", "lease.time-to-live", "LeaseTimeToLiveRequest"),
  request("Lease/LeaseLeases", "lease.leases", "LeaseLeasesRequest"),
  request("Maintenance/Status", "maintenance.status", "StatusRequest"),
  request("Maintenance/HashKV", "maintenance.hash-kv", "HashKVRequest"),
  request("Cluster/MemberList", "cluster.memberlist", "MemberListRequest"),
  request("Nothing/Here", "kv.nothing", "RangeRequest"),
];

const NUMBERS: readonly (number | Long)[] = [
  0,
  1,
  -1,
  5,
  2 ** 40,
  Long.MAX_VALUE,
  Long.MIN_VALUE,
  Number.MAX_SAFE_INTEGER,
];
const KEYS = ["", "\0", "hostile/a", "hostile/b", "hostile/c", "\u00ff", "hostile/".repeat(300)].map((key) =>
  Buffer.from(key),
);

/** A body for a request of `type`: half of them could be meant. The keys of the well-behaved client are not touched by these. */
export function bodyOf(type: string, prng: Prng): Uint8Array {
  const number = (): number | Long => randomPick(prng, NUMBERS);
  const key = (): Uint8Array => randomPick(prng, KEYS);
  switch (type) {
    case "etcdserverpb.PutRequest": {
      const put = {
        key: randomPick(prng, KEYS.slice(2, 5)),
        value: Buffer.alloc(randomInteger(prng, 0, 2000)),
        lease: number(),
      };
      return broken(etcdserverpb.PutRequest.encode(put).finish(), prng, 0.2);
    }
    case "etcdserverpb.RangeRequest": {
      const range = {
        key: key(),
        rangeEnd: key(),
        limit: number(),
        revision: number(),
        sortOrder: randomInteger(prng, -1, 4),
      };
      return broken(etcdserverpb.RangeRequest.encode(range).finish(), prng, 0.4);
    }
    case "etcdserverpb.DeleteRangeRequest": {
      const [from, to] = ["hostile/a", "hostile/c"].map((text) => Buffer.from(text));
      return etcdserverpb.DeleteRangeRequest.encode({
        key: from!,
        rangeEnd: to!,
        prevKv: randomChance(prng, 0.5),
      }).finish();
    }
    case "etcdserverpb.TxnRequest": {
      const put = { requestPut: { key: randomPick(prng, KEYS.slice(2, 5)), lease: number() } };
      let txn: etcdserverpb.TxnRequest.$Properties = {
        success: Array(randomInteger(prng, 0, 130)).fill(put),
      };
      for (let depth = randomInteger(prng, 0, 140); depth > 0; depth -= 1)
        txn = { success: [{ requestTxn: txn }] };
      return etcdserverpb.TxnRequest.encode(txn).finish();
    }
    case "etcdserverpb.CompactionRequest":
      return etcdserverpb.CompactionRequest.encode({
        revision: number(),
        physical: randomChance(prng, 0.5),
      }).finish();
    default:
      return broken(randomPick(prng, samplesOf(type)), prng, 0.5);
  }
}

/** What is said on a stream of Watch, in any order. */
export function watchMessages(prng: Prng): Uint8Array[] {
  return Array.from({ length: randomInteger(prng, 1, 12) }, () => {
    const watchId = randomPick(prng, [...NUMBERS, 7, 7, 7]);
    const message: etcdserverpb.WatchRequest.$Properties = randomPick<etcdserverpb.WatchRequest.$Properties>(
      prng,
      [
        { progressRequest: {} },
        { cancelRequest: { watchId } },
        {
          createRequest: {
            key: randomPick(prng, KEYS),
            rangeEnd: randomPick(prng, KEYS),
            startRevision: randomPick(prng, NUMBERS),
            watchId,
            fragment: randomChance(prng, 0.5),
            prevKv: randomChance(prng, 0.5),
            progressNotify: randomChance(prng, 0.5),
          },
        },
      ],
    );
    return broken(etcdserverpb.WatchRequest.encode(message).finish(), prng, 0.1);
  });
}

/** @param chance That it is damaged. A put or a deletion that is damaged may be of any key, so these are few. */
export function broken(message: Uint8Array, prng: Prng, chance: number): Uint8Array {
  if (!randomChance(prng, chance)) return message;
  return mutated(message, prng, { dictionary: [], pick: () => message });
}
