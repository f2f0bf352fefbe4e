import {
  alarmsFromWire,
  saturatingNumber,
  signedId,
  unsignedId,
  type etcdserverpb,
  type mvccpb,
  type WireInt64,
} from "@quorate/wire";
import { KeyValue } from "./key-value";

/** Who answered, and when in the history of the store. Inside a transaction only the revision is told; the rest is 0. */
export interface ResponseHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: number;
  readonly term: number;
}

export interface PutResult {
  readonly header: ResponseHeader;
  /** The revision that this put made. */
  readonly revision: number;
  /** What it replaced; only if asked for, and if there was something. */
  readonly previous: KeyValue | undefined;
}

export interface RangeResult {
  readonly header: ResponseHeader;
  /** The store's revision when it was read: the place to watch from, plus one. */
  readonly revision: number;
  readonly keyValues: readonly KeyValue[];
  /** Keys in the range, whatever the limit. */
  readonly count: number;
  /** Whether the limit cut something off. */
  readonly more: boolean;
}

export interface DeleteResult {
  readonly header: ResponseHeader;
  readonly revision: number;
  readonly deleted: number;
  /** Only if asked for; in the order of the keys. */
  readonly previous: readonly KeyValue[];
}

export type OperationResult =
  | ({ readonly kind: "put" } & PutResult)
  | ({ readonly kind: "range" } & RangeResult)
  | ({ readonly kind: "delete" } & DeleteResult)
  | ({ readonly kind: "txn" } & TransactionResult);

export interface TransactionResult {
  readonly header: ResponseHeader;
  readonly revision: number;
  /** Whether every condition held, so that the "then" operations ran. */
  readonly succeeded: boolean;
  /** One per operation of the branch that ran, in order. */
  readonly results: readonly OperationResult[];
}

export interface MemberStatus {
  readonly memberId: bigint;
  readonly clusterId: bigint;
  /** 0: the member knows no leader. */
  readonly leaderId: bigint;
  readonly revision: number;
  readonly term: number;
  readonly raftIndex: number;
  readonly appliedIndex: number;
  readonly sizeBytes: number;
  readonly version: string;
  /** That of the etcd that is spoken, then "+quorate." and the version of the cluster. */
  readonly storageVersion: string;
  readonly isLearner: boolean;
  readonly errors: readonly string[];
}

/** Something that is wrong with a member, or with the cluster as that member sees it. */
export interface Alarm {
  /** NOSPACE: the quota is used up, and writes are refused. CORRUPT: members differ, and changes are refused. */
  readonly type: "NOSPACE" | "CORRUPT";
  /** 0: it cannot be told which. */
  readonly memberId: bigint;
}

export interface Member {
  readonly id: bigint;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly isLearner: boolean;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

export interface LeaseGrant {
  readonly id: bigint;
  /** At least what was asked for. */
  readonly ttlSeconds: number;
}

export interface LeaseRenewal {
  readonly id: bigint;
  /** What it has from now on; 0: there is no such lease any more. */
  readonly ttlSeconds: number;
}

export interface LeaseTimeToLive {
  readonly id: bigint;
  /** Whole seconds. */
  readonly remainingSeconds: number;
  readonly grantedSeconds: number;
  /** Only if asked for. */
  readonly keys: readonly Uint8Array[];
}

/** All of these copy the bytes they keep: what is decoded are views into a buffer that belongs to the transport. */
export function putResult(response: etcdserverpb.PutResponse.$Properties): PutResult {
  return {
    ...answered(response),
    previous: response.prevKv ? keyValueOf(response.prevKv) : undefined,
  };
}

export function rangeResult(response: etcdserverpb.RangeResponse.$Properties): RangeResult {
  return {
    ...answered(response),
    keyValues: (response.kvs ?? []).map(keyValueOf),
    count: numberOf(response.count),
    more: response.more ?? false,
  };
}

export function deleteResult(response: etcdserverpb.DeleteRangeResponse.$Properties): DeleteResult {
  return {
    ...answered(response),
    deleted: numberOf(response.deleted),
    previous: (response.prevKvs ?? []).map(keyValueOf),
  };
}

export function transactionResult(response: etcdserverpb.TxnResponse.$Properties): TransactionResult {
  return {
    ...answered(response),
    succeeded: response.succeeded ?? false,
    results: (response.responses ?? []).map(operationResult),
  };
}

export function memberStatus(response: etcdserverpb.StatusResponse.$Properties): MemberStatus {
  return {
    memberId: unsignedId(response.header?.memberId ?? 0),
    clusterId: unsignedId(response.header?.clusterId ?? 0),
    leaderId: unsignedId(response.leader ?? 0),
    revision: revisionOf(response),
    term: numberOf(response.raftTerm),
    raftIndex: numberOf(response.raftIndex),
    appliedIndex: numberOf(response.raftAppliedIndex),
    sizeBytes: numberOf(response.dbSize),
    version: response.version ?? "",
    storageVersion: response.storageVersion ?? "",
    isLearner: response.isLearner ?? false,
    errors: [...(response.errors ?? [])],
  };
}

export function memberList(response: etcdserverpb.MemberListResponse.$Properties): Member[] {
  return (response.members ?? []).map((member) => ({
    id: unsignedId(member.ID ?? 0),
    name: member.name ?? "",
    isLearner: member.isLearner ?? false,
    peerUrls: [...(member.peerURLs ?? [])],
    clientUrls: [...(member.clientURLs ?? [])],
  }));
}

export function alarmList(response: etcdserverpb.AlarmResponse.$Properties): Alarm[] {
  return alarmsFromWire(response.alarms ?? []).map(({ type, memberId }) => ({
    type: type === "no-space" ? "NOSPACE" : "CORRUPT",
    memberId,
  }));
}

export function leaseTtl(
  response: etcdserverpb.LeaseGrantResponse.$Properties | etcdserverpb.LeaseKeepAliveResponse.$Properties,
): LeaseGrant {
  return { id: signedId(response.ID ?? 0), ttlSeconds: numberOf(response.TTL) };
}

/** `undefined` if there is no such lease. */
export function leaseTimeToLive(
  response: etcdserverpb.LeaseTimeToLiveResponse.$Properties,
): LeaseTimeToLive | undefined {
  const grantedSeconds = numberOf(response.grantedTTL);
  if (grantedSeconds === 0) return undefined;
  return {
    id: signedId(response.ID ?? 0),
    remainingSeconds: numberOf(response.TTL),
    grantedSeconds,
    keys: (response.keys ?? []).map((key) => key.slice()),
  };
}

export function leaseIds(response: etcdserverpb.LeaseLeasesResponse.$Properties): bigint[] {
  return (response.leases ?? []).map(({ ID }) => signedId(ID ?? 0));
}

function operationResult(response: etcdserverpb.ResponseOp.$Properties): OperationResult {
  if (response.responsePut) return { kind: "put", ...putResult(response.responsePut) };
  if (response.responseDeleteRange) return { kind: "delete", ...deleteResult(response.responseDeleteRange) };
  if (response.responseTxn) return { kind: "txn", ...transactionResult(response.responseTxn) };
  return { kind: "range", ...rangeResult(response.responseRange ?? {}) };
}

/** Its bytes are copies. */
export function keyValueOf(kv: mvccpb.KeyValue.$Properties): KeyValue {
  return new KeyValue({
    key: (kv.key ?? EMPTY).slice(),
    value: (kv.value ?? EMPTY).slice(),
    createRevision: numberOf(kv.createRevision),
    modRevision: numberOf(kv.modRevision),
    version: numberOf(kv.version),
    lease: signedId(kv.lease ?? 0),
  });
}

const EMPTY = new Uint8Array(0);

interface Answer {
  readonly header?: etcdserverpb.ResponseHeader.$Properties | null;
}

function answered(answer: Answer): { readonly revision: number; readonly header: ResponseHeader } {
  const told = responseHeader(answer);
  return { revision: told.revision, header: told };
}

export function responseHeader({ header }: Answer): ResponseHeader {
  return {
    clusterId: unsignedId(header?.clusterId ?? 0),
    memberId: unsignedId(header?.memberId ?? 0),
    revision: numberOf(header?.revision),
    term: numberOf(header?.raftTerm),
  };
}

function revisionOf(response: Answer): number {
  return numberOf(response.header?.revision);
}

function numberOf(value: WireInt64 | null | undefined): number {
  return saturatingNumber(value ?? 0);
}
