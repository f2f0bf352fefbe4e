import { binaryString } from "@quorate/base";
import type { Event, KeyValue, Revision } from "@quorate/mvcc";
import type { MemberId, Term } from "@quorate/raft";
import type { WatchEvent } from "@quorate/watch";
import { Writer } from "protobufjs/minimal";
import { writeKeyValue } from "./etcd-responses";
import { DecodeError } from "./errors";
import { counterOf, saturatingNumber, unsignedId, wireId, type WireInt64 } from "./int64";
import { decodeMessage, mvccpb, quorate } from "./protocol";

const wire = quorate.internal.v1;

/** An event and the version that it took the place of, if it is to be told. */
export interface FedEvent {
  readonly event: Event;
  readonly prevKv: KeyValue | undefined;
}

interface FeedBatchHead {
  readonly prevRevision: Revision;
  readonly revision: Revision;
  /** -1 before the first compaction. */
  readonly compactRevision: Revision;
  readonly term: Term;
  /** Its events are left out: they can be read as history. */
  readonly bare: boolean;
}

/** All changes of one applied batch, as decoded: events ready to be handed on. */
export interface FeedBatchMessage extends FeedBatchHead {
  readonly events: readonly WatchEvent[];
}

/** Where a node's feed stands. */
export interface FeedPosition {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  readonly term: Term;
  readonly leader: MemberId | undefined;
  readonly revision: Revision;
  readonly compactRevision: Revision;
}

export interface HistoryRequest {
  readonly from: Revision;
  readonly bytesMax: number;
}

export type HistoryResponse =
  | { readonly kind: "compacted"; readonly revision: Revision; readonly compactRevision: Revision }
  | {
      readonly kind: "events";
      readonly revision: Revision;
      readonly compactRevision: Revision;
      /** Every event from the revision asked for up to, and without, this one is there. */
      readonly next: Revision;
      readonly events: readonly WatchEvent[];
    };

/** Written straight from the core's types: a node does this for every change. */
export function encodeFeedBatch(head: FeedBatchHead, events: readonly FedEvent[]): Uint8Array {
  const { prevRevision, revision, compactRevision, term, bare } = head;
  const writer = Writer.create().uint32(tag(1, VARINT)).uint64(prevRevision);
  writer.uint32(tag(2, VARINT)).uint64(revision);
  writer.uint32(tag(3, VARINT)).int64(compactRevision);
  writer.uint32(tag(4, VARINT)).uint64(term);
  for (const event of events) writeFeedEvent(writer, 5, event);
  if (bare) writer.uint32(tag(6, VARINT)).bool(true);
  return writer.finish(true);
}

/** Events are views into `bytes`. @throws {DecodeError} */
export function decodeFeedBatch(bytes: Uint8Array): FeedBatchMessage {
  const message = decodeMessage("FeedBatch", wire.FeedBatch, bytes);
  return {
    prevRevision: revisionOf(message.prevRevision),
    revision: revisionOf(message.revision),
    compactRevision: saturatingNumber(message.compactRevision) as Revision,
    term: counterOf(message.term, "term") as Term,
    events: message.events.map(watchEvent),
    bare: message.bare,
  };
}

/** @param events Whether somebody watches; without it batches come bare. */
export function encodeFeedRequest(events: boolean): Uint8Array {
  return wire.FeedRequest.encode({ events }).finish();
}

/** @returns whether events are wanted. @throws {DecodeError} */
export function decodeFeedRequest(bytes: Uint8Array): boolean {
  return decodeMessage("FeedRequest", wire.FeedRequest, bytes).events;
}

export function encodeFeedPosition(position: FeedPosition): Uint8Array {
  const { clusterId, memberId, leader } = position;
  return wire.FeedPosition.encode({
    ...position,
    clusterId: wireId(clusterId),
    memberId: wireId(memberId),
    leader: wireId(leader ?? 0n),
  }).finish();
}

/** @throws {DecodeError} */
export function decodeFeedPosition(bytes: Uint8Array): FeedPosition {
  const message = decodeMessage("FeedPosition", wire.FeedPosition, bytes);
  const leader = unsignedId(message.leader);
  return {
    clusterId: unsignedId(message.clusterId),
    memberId: unsignedId(message.memberId) as MemberId,
    term: counterOf(message.term, "term") as Term,
    leader: leader === 0n ? undefined : (leader as MemberId),
    revision: revisionOf(message.revision),
    compactRevision: saturatingNumber(message.compactRevision) as Revision,
  };
}

export function encodeHistoryRequest(request: HistoryRequest): Uint8Array {
  return wire.HistoryRequest.encode(request).finish();
}

/** @throws {DecodeError} */
export function decodeHistoryRequest(bytes: Uint8Array): HistoryRequest {
  const message = decodeMessage("HistoryRequest", wire.HistoryRequest, bytes);
  return { from: revisionOf(message.from), bytesMax: message.bytesMax };
}

export function encodeHistoryCompacted(revision: Revision, compactRevision: Revision): Uint8Array {
  return wire.HistoryResponse.encode({ compacted: true, revision, compactRevision }).finish();
}

/** Puts an answer together event by event, so that its size is known while it grows. */
export class HistoryResponseWriter {
  readonly #writer = Writer.create();

  /** So far. */
  get bytes(): number {
    return this.#writer.pos;
  }

  add(event: FedEvent): void {
    writeFeedEvent(this.#writer, 5, event);
  }

  finish(next: Revision, revision: Revision, compactRevision: Revision): Uint8Array {
    this.#writer.uint32(tag(2, VARINT)).uint64(next);
    this.#writer.uint32(tag(3, VARINT)).uint64(revision);
    this.#writer.uint32(tag(4, VARINT)).int64(compactRevision);
    return this.#writer.finish(true);
  }
}

/** Events are views into `bytes`. @throws {DecodeError} */
export function decodeHistoryResponse(bytes: Uint8Array): HistoryResponse {
  const message = decodeMessage("HistoryResponse", wire.HistoryResponse, bytes);
  const revision = revisionOf(message.revision);
  const compactRevision = saturatingNumber(message.compactRevision) as Revision;
  if (message.compacted) return { kind: "compacted", revision, compactRevision };
  const events = message.events.map(watchEvent);
  return { kind: "events", revision, compactRevision, next: revisionOf(message.next), events };
}

/** `head_bytes` is known only after the event was written, so it comes behind it. */
function writeFeedEvent(writer: Writer, field: number, { event, prevKv }: FedEvent): void {
  writer.uint32(tag(field, BYTES)).fork();
  writer.uint32(tag(1, BYTES)).fork();
  const start = writer.pos;
  if (event.kind === "delete") writer.uint32(tag(1, VARINT)).int32(mvccpb.Event.EventType.DELETE);
  writeKeyValue(writer, 2, event.kv);
  const headBytes = writer.pos - start;
  if (prevKv !== undefined) writeKeyValue(writer, 3, prevKv);
  writer.ldelim();
  writer.uint32(tag(2, VARINT)).uint32(headBytes);
  writer.ldelim();
}

function watchEvent(message: quorate.internal.v1.FeedEvent.$Properties): WatchEvent {
  const { event, headBytes } = message;
  if (event == null || headBytes == null || headBytes > event.length)
    throw new DecodeError("FeedEvent", "it has no event, or less than it says");
  const { type, kv } = decodeMessage("Event", mvccpb.Event, event.subarray(0, headBytes));
  return {
    kind: type === mvccpb.Event.EventType.DELETE ? "delete" : "put",
    main: revisionOf(kv?.modRevision ?? 0),
    key: kv?.key == null ? "" : binaryString(kv.key),
    bytes: event,
    headBytes,
  };
}

function revisionOf(value: WireInt64): Revision {
  return counterOf(value, "revision") as Revision;
}

const VARINT = 0;
const BYTES = 2;

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}
