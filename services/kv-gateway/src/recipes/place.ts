import type { LeaseId } from "@quorate/lease";
import type { Revision } from "@quorate/mvcc";
import { etcdserverpb, wireId } from "@quorate/wire";
import type { Caller, RecipeStore } from "./recipe-store";

type Header = etcdserverpb.ResponseHeader.$Properties;

/** One key among those of all who want the same thing. */
export interface Place {
  /** `NAME/LEASE`, the lease in lower-case hex: other clients of etcd put and read the very same keys. */
  readonly key: Uint8Array;
  /** Of the key; another one means another place. */
  readonly createRevision: Revision;
  readonly lease: LeaseId;
}

/** Puts a value under the place. @returns `undefined` if it is not there any more. */
export async function updatePlace(
  store: RecipeStore,
  { key, createRevision, lease }: Place,
  value: Uint8Array,
  caller: Caller,
): Promise<Header | undefined> {
  const put = { requestPut: { key, value, lease: wireId(lease) } };
  const { header, succeeded } = await store.write(
    { compare: [createdAt(key, createRevision)], success: [put] },
    caller,
  );
  return succeeded ? (header ?? {}) : undefined;
}

/** Gives the place up, if it still is the same: may be repeated. */
export async function leavePlace(
  store: RecipeStore,
  { key, createRevision }: Place,
  caller: Caller,
): Promise<Header> {
  const deletion = { requestDeleteRange: { key } };
  const { header } = await store.write(
    { compare: [createdAt(key, createRevision)], success: [deletion] },
    caller,
  );
  return header ?? {};
}

/** @param createRevision 0: there is no such key. */
export function createdAt(key: Uint8Array, createRevision: number): etcdserverpb.Compare.$Properties {
  return { key, target: etcdserverpb.Compare.CompareTarget.CREATE, createRevision };
}
