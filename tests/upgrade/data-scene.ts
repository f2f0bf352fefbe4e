import { CallError, type EtcdClient, etcdMethods } from "../harness/etcd-client";
import { EtcdWatch } from "../harness/etcd-watch";
import { eventually } from "../harness/eventually";

/** What a cluster answers about its data, in JSON: equal before and after an upgrade. */
export interface Observation {
  readonly revision: number;
  readonly compactRevision: number;
  /** All keys at some revisions, the last included. */
  readonly states: readonly { readonly revision: number; readonly keys: readonly string[] }[];
  /** Since the compaction. */
  readonly events: readonly string[];
  readonly leases: readonly { readonly id: string; readonly ttl: number; readonly keys: readonly string[] }[];
  readonly members: readonly string[];
  readonly hash: number;
}

const everything = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
const leaseTtlSeconds = 100_000_000;

/** Writes some of everything that is stored: keys old and new, gone and come back, leases, a compaction in the middle. */
export async function playScene(client: EtcdClient): Promise<void> {
  const put = (key: string, value: string, lease = 0) =>
    client.put({ key: Buffer.from(key), value: Buffer.from(value), lease });
  for (let round = 0; round < 3; round += 1)
    for (let at = 0; at < 20; at += 1) await put(`scene/${at}`, `round ${round}`);
  await client.deleteRange({ key: Buffer.from("scene/1"), rangeEnd: Buffer.from("scene/15") });
  const { header } = await put("scene/10", "came back");
  await client.compact({ revision: Number(header?.revision) - 3 });
  for (const id of [71, 72]) {
    await client.leaseGrant({ ID: id, TTL: leaseTtlSeconds });
    await put(`leased/${id}/a`, "a", id);
    await put(`leased/${id}/b`, "b", id);
  }
  await put("leased/71/b", "let go");
  await client.leaseRevoke({ ID: 72 });
  await client.txn({
    compare: [{ key: Buffer.from("scene/10"), target: 2, modRevision: 1 }],
    failure: [
      { requestPut: { key: Buffer.from([0, 255, 1]), value: Buffer.from([0, 200, 255]) } },
      { requestPut: { key: Buffer.from("scene/2"), value: Buffer.alloc(0) } },
    ],
  });
  await put("scene/large", "x".repeat(100_000));
}

/**
 * Asks for everything at and before a revision, so that what was written later does not show.
 *
 * @param at The last revision to look at, and that of the last compaction; those of now unless told.
 */
export async function observe(
  client: EtcdClient,
  address: string,
  at?: Pick<Observation, "revision" | "compactRevision">,
): Promise<Observation> {
  const now = await client.range({ key: Buffer.from("none") });
  const revision = at?.revision ?? Number(now.header?.revision);
  const compactRevision = at?.compactRevision ?? (await compactedTo(client));
  const states = [];
  for (let seen = compactRevision; seen <= revision; seen += 1) states.push(await stateAt(client, seen));
  const hash = await client.call(etcdMethods.hashKv, { revision });
  return {
    revision,
    compactRevision,
    states,
    events: await eventsBetween(address, compactRevision + 1, revision),
    leases: await leasesOf(client),
    members: (await client.memberList()).members.map(
      ({ ID, name, isLearner }) => `${ID} ${name} ${isLearner}`,
    ),
    hash: hash.hash,
  };
}

/** Whatever a client says of the past that is gone. */
export async function errorOfPast(client: EtcdClient, revision: number): Promise<string> {
  try {
    await client.range({ ...everything, revision });
    return "";
  } catch (error) {
    if (error instanceof CallError) return error.text;
    throw error;
  }
}

async function compactedTo(client: EtcdClient): Promise<number> {
  const { compactRevision } = await client.call(etcdMethods.hashKv, {});
  return Number(compactRevision);
}

async function stateAt(client: EtcdClient, revision: number): Promise<Observation["states"][number]> {
  const { kvs } = await client.range({ ...everything, revision });
  return { revision, keys: kvs.map(described) };
}

async function eventsBetween(address: string, from: number, to: number): Promise<string[]> {
  const watch = new EtcdWatch(address);
  watch.create({ ...everything, startRevision: from, prevKv: true });
  const upTo = () => watch.events.filter(({ kv }) => Number(kv?.modRevision) <= to);
  await eventually(
    `the events up to revision ${to}`,
    { withinMs: 20_000 },
    () => Number(upTo().at(-1)?.kv?.modRevision) === to,
  );
  watch.close();
  return upTo().map(
    ({ type, kv, prevKv }) => `${type} ${described(kv ?? {})} after ${described(prevKv ?? {})}`,
  );
}

async function leasesOf(client: EtcdClient): Promise<Observation["leases"]> {
  const { leases } = await client.call(etcdMethods.leases, {});
  const found = [];
  for (const { ID } of leases) {
    const lease = await client.call(etcdMethods.leaseTimeToLive, { ID: ID ?? 0, keys: true });
    const keys = lease.keys.map((key) => Buffer.from(key).toString()).sort();
    found.push({ id: `${ID}`, ttl: Number(lease.grantedTTL), keys });
  }
  return found.sort((a, b) => Number(a.id) - Number(b.id));
}

type KeyValue = Awaited<ReturnType<EtcdClient["range"]>>["kvs"][number];

function described({ key, value, createRevision, modRevision, version, lease }: Partial<KeyValue>): string {
  const [keyText, valueText] = [key, value].map((bytes) => Buffer.from(bytes ?? []).toString("latin1"));
  const short = valueText!.length > 100 ? `${valueText!.length} bytes` : valueText;
  return `${keyText}=${short} ${createRevision}-${modRevision} v${version} l${lease}`;
}
