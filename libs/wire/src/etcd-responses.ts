import { assertNever } from "@quorate/base";
import {
  NO_LEASE,
  type DeleteRangeResponse,
  type KeyValue,
  type LeaseId,
  type PutResponse,
  type RangeResponse,
  type ResponseOp,
  type Revision,
  type TxnResponse,
} from "@quorate/mvcc";
import type { AlarmsResponse, LeaseGrantResponse, LeasesResponse } from "@quorate/state-machine";
import { Writer } from "protobufjs/minimal";
import { wireAlarm } from "./alarms";
import { wireId } from "./int64";
import { etcdserverpb } from "./protocol";

/** Who answers: the fixed part of every response header. */
export interface ResponseOrigin {
  readonly clusterId: bigint;
  readonly memberId: bigint;
}

/** What a leader tells about one lease. */
export interface LeaseTimeToLiveResponse {
  readonly revision: Revision;
  readonly id: LeaseId;
  /** Whole seconds; -1 if there is no such lease. */
  readonly remainingSeconds: number;
  /** 0 if there is no such lease. */
  readonly grantedSeconds: number;
  /** Only if they were asked for. */
  readonly keys: readonly Uint8Array[];
}

/** A hash of the key-values up to a revision. */
export interface HashKvResponse {
  readonly revision: Revision;
  readonly hash: number;
  readonly compactRevision: Revision;
  /** The last revision that it covers. */
  readonly upTo: Revision;
}

/** Encoders kept for other members: more than a cluster has. */
const OTHERS_MAX = 64;

/**
 * Core responses as encoded etcdserverpb messages, ready to be sent to a client.
 *
 * It writes the fields itself instead of building message objects first: a node does this for every key that it returns.
 * Each method returns bytes of their own; `raftTerm` is the term that the member knows while it answers.
 */
export class ResponseEncoder {
  /** The encoded `cluster_id` and `member_id` of the header: the same in each. */
  readonly #encodedOrigin: Uint8Array;
  readonly #others = new Map<bigint, ResponseEncoder>();

  constructor(private readonly origin: ResponseOrigin) {
    this.#encodedOrigin = new Writer()
      .uint32(tag(1, VARINT))
      .uint64(wireId(origin.clusterId))
      .uint32(tag(2, VARINT))
      .uint64(wireId(origin.memberId))
      .finish();
  }

  /** The encoder of responses in the name of another member; this one itself if that is `undefined`. */
  as(memberId: bigint | undefined): ResponseEncoder {
    if (memberId === undefined || memberId === this.origin.memberId) return this;
    const known = this.#others.get(memberId);
    if (known !== undefined) return known;
    if (this.#others.size >= OTHERS_MAX) this.#others.clear();
    const encoder = new ResponseEncoder({ ...this.origin, memberId });
    this.#others.set(memberId, encoder);
    return encoder;
  }

  range(response: RangeResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    writeRange(writer, response);
    return writer.finish(true);
  }

  put(response: PutResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    writePut(writer, response);
    return writer.finish(true);
  }

  deleteRange(response: DeleteRangeResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    writeDeleteRange(writer, response);
    return writer.finish(true);
  }

  txn(response: TxnResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    writeTxn(writer, response);
    return writer.finish(true);
  }

  compact(response: { readonly revision: Revision }, raftTerm: number): Uint8Array {
    return this.#begin(response.revision, raftTerm).finish(true);
  }

  hash(response: { readonly revision: Revision; readonly hash: number }, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    writeNumber(writer, 2, response.hash);
    return writer.finish(true);
  }

  hashKv(response: HashKvResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    writeNumber(writer, 2, response.hash);
    writeNumber(writer, 3, response.compactRevision);
    writeNumber(writer, 4, response.upTo);
    return writer.finish(true);
  }

  leaseGrant(response: LeaseGrantResponse, raftTerm: number): Uint8Array {
    return this.#leaseTtl(response.revision, response.id, response.ttlSeconds, raftTerm);
  }

  leaseRevoke(response: { readonly revision: Revision }, raftTerm: number): Uint8Array {
    return this.#begin(response.revision, raftTerm).finish(true);
  }

  /** @param response.ttlSeconds 0 tells the client that the lease is gone. */
  leaseKeepAlive(response: LeaseGrantResponse, raftTerm: number): Uint8Array {
    return this.#leaseTtl(response.revision, response.id, response.ttlSeconds, raftTerm);
  }

  leaseTimeToLive(response: LeaseTimeToLiveResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    writeLeaseId(writer, 2, response.id);
    writeNumber(writer, 3, response.remainingSeconds);
    writeNumber(writer, 4, response.grantedSeconds);
    for (const key of response.keys) writer.uint32(tag(5, BYTES)).bytes(key);
    return writer.finish(true);
  }

  leases(response: LeasesResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    for (const id of response.ids) {
      writer.uint32(tag(2, BYTES)).fork();
      writeLeaseId(writer, 1, id);
      writer.ldelim();
    }
    return writer.finish(true);
  }

  alarms(response: AlarmsResponse, raftTerm: number): Uint8Array {
    const writer = this.#begin(response.revision, raftTerm);
    for (const alarm of response.alarms) {
      etcdserverpb.AlarmMember.encode(wireAlarm(alarm), writer.uint32(tag(2, BYTES)).fork()).ldelim();
    }
    return writer.finish(true);
  }

  #leaseTtl(revision: Revision, id: LeaseId, ttlSeconds: number, raftTerm: number): Uint8Array {
    const writer = this.#begin(revision, raftTerm);
    writeLeaseId(writer, 2, id);
    writeNumber(writer, 3, ttlSeconds);
    return writer.finish(true);
  }

  /** A response that has only its header yet: field 1 in every one of them. */
  #begin(revision: Revision, raftTerm: number): Writer {
    const writer = Writer.create().uint32(tag(1, BYTES)).fork().raw(this.#encodedOrigin);
    writeNumber(writer, 3, revision);
    writeNumber(writer, 4, raftTerm);
    return writer.ldelim();
  }
}

function writeRange(writer: Writer, response: RangeResponse): void {
  for (const kv of response.kvs) writeKeyValue(writer, 2, kv);
  writeBool(writer, 3, response.more);
  writeNumber(writer, 4, response.count);
}

function writePut(writer: Writer, response: PutResponse): void {
  if (response.prevKv !== undefined) writeKeyValue(writer, 2, response.prevKv);
}

function writeDeleteRange(writer: Writer, response: DeleteRangeResponse): void {
  writeNumber(writer, 2, response.deleted);
  for (const kv of response.prevKvs) writeKeyValue(writer, 3, kv);
}

function writeTxn(writer: Writer, response: TxnResponse): void {
  writeBool(writer, 2, response.succeeded);
  for (const inner of response.responses) {
    writer.uint32(tag(3, BYTES)).fork();
    writeResponseOp(writer, inner);
    writer.ldelim();
  }
}

/** Headers inside a transaction carry only the revision seen at that point; a nested transaction's carries nothing. */
function writeResponseOp(writer: Writer, op: ResponseOp): void {
  switch (op.kind) {
    case "range":
      beginNested(writer, 1, op.response.revision);
      writeRange(writer, op.response);
      break;
    case "put":
      beginNested(writer, 2, op.response.revision);
      writePut(writer, op.response);
      break;
    case "delete-range":
      beginNested(writer, 3, op.response.revision);
      writeDeleteRange(writer, op.response);
      break;
    case "txn":
      beginNested(writer, 4, 0);
      writeTxn(writer, op.response);
      break;
    default:
      assertNever(op);
  }
  writer.ldelim();
}

function beginNested(writer: Writer, field: number, revision: number): void {
  writer.uint32(tag(field, BYTES)).fork();
  writer.uint32(tag(1, BYTES)).fork();
  writeNumber(writer, 3, revision);
  writer.ldelim();
}

/** Writes an mvccpb.KeyValue as the given field of what is being written. */
export function writeKeyValue(writer: Writer, field: number, kv: KeyValue): void {
  writer.uint32(tag(field, BYTES)).fork();
  if (kv.key.length > 0) writer.uint32(tag(1, BYTES)).bytes(kv.key);
  writeNumber(writer, 2, kv.createRevision);
  writeNumber(writer, 3, kv.modRevision);
  writeNumber(writer, 4, kv.version);
  if (kv.value.length > 0) writer.uint32(tag(5, BYTES)).bytes(kv.value);
  writeLeaseId(writer, 6, kv.lease);
  writer.ldelim();
}

function writeLeaseId(writer: Writer, field: number, id: LeaseId): void {
  if (id !== NO_LEASE) writer.uint32(tag(field, VARINT)).int64(wireId(id));
}

const TWO_TO_32 = 0x1_0000_0000;

function writeNumber(writer: Writer, field: number, value: number): void {
  if (value === 0) return; // proto3 leaves zero out
  writer.uint32(tag(field, VARINT));
  // The 32-bit form of a small varint is the same bytes, without an object per number.
  if (value > 0 && value < TWO_TO_32) writer.uint32(value);
  else writer.int64(value);
}

function writeBool(writer: Writer, field: number, value: boolean): void {
  if (value) writer.uint32(tag(field, VARINT)).bool(true);
}

const VARINT = 0;
const BYTES = 2;

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}
