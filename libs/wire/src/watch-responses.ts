import { EMPTY_BYTES } from "@quorate/base";
import type { KeyRange, Revision } from "@quorate/mvcc";
import { Writer } from "protobufjs/minimal";
import { saturatingNumber, signedId, wireId } from "./int64";
import { decodeMessage, etcdserverpb } from "./protocol";
import type { WatchOrigin } from "./watch-stream";

// etcd's Watch messages as a gateway deals with them. Watch ids use all 64 bits, because clients may choose them.

export type WatchRequest =
  | {
      readonly kind: "create";
      readonly range: KeyRange;
      readonly startRevision: Revision;
      /** 0: the server chooses. */
      readonly watchId: bigint;
      readonly prevKv: boolean;
      readonly progressNotify: boolean;
      readonly fragment: boolean;
      readonly noPut: boolean;
      readonly noDelete: boolean;
    }
  | { readonly kind: "cancel"; readonly watchId: bigint }
  | { readonly kind: "progress" }
  /** Of a kind that is not known, or of none: ignored, as in etcd. */
  | { readonly kind: "none" };

export interface WatchResponse {
  readonly origin: WatchOrigin;
  readonly revision: number;
  /** 0 is left out, as protobuf has it. */
  readonly watchId: bigint;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compactRevision?: number;
  readonly cancelReason?: string;
  readonly fragment?: boolean;
  /** Encoded mvccpb.Event messages. */
  readonly events?: readonly Uint8Array[];
}

/** Keys are copies: a watcher may live as long as its client. @throws {DecodeError} */
export function decodeWatchRequest(bytes: Uint8Array): WatchRequest {
  const message = decodeMessage("WatchRequest", etcdserverpb.WatchRequest, bytes);
  if (message.createRequest) return createRequest(message.createRequest);
  if (message.cancelRequest) {
    return { kind: "cancel", watchId: signedId(message.cancelRequest.watchId ?? 0) };
  }
  return { kind: message.progressRequest ? "progress" : "none" };
}

function createRequest(message: etcdserverpb.WatchCreateRequest.$Properties): WatchRequest {
  const { NOPUT, NODELETE } = etcdserverpb.WatchCreateRequest.FilterType;
  const filters = message.filters ?? [];
  const key = message.key ?? EMPTY_BYTES;
  const rangeEnd = message.rangeEnd ?? EMPTY_BYTES;
  return {
    kind: "create",
    // No key stands for the first one there can be; no end, unlike in a range, for a single key.
    range: {
      key: key.length === 0 ? FIRST_KEY : Uint8Array.from(key),
      rangeEnd: rangeEnd.length === 0 ? undefined : Uint8Array.from(rangeEnd),
    },
    startRevision: saturatingNumber(message.startRevision ?? 0) as Revision,
    watchId: signedId(message.watchId ?? 0),
    prevKv: message.prevKv ?? false,
    progressNotify: message.progressNotify ?? false,
    fragment: message.fragment ?? false,
    noPut: filters.includes(NOPUT),
    noDelete: filters.includes(NODELETE),
  };
}

const FIRST_KEY = new Uint8Array([0]);

/** Written straight from encoded events: a gateway does this for every one that it hands on. */
export function encodeWatchResponse(response: WatchResponse): Uint8Array {
  const { origin, revision, watchId, compactRevision = 0, cancelReason = "", events = [] } = response;
  const writer = Writer.create();
  writer.uint32(tag(1, BYTES)).fork();
  writer.uint32(tag(1, VARINT)).uint64(wireId(origin.clusterId));
  writer.uint32(tag(2, VARINT)).uint64(wireId(origin.memberId));
  if (revision !== 0) writer.uint32(tag(3, VARINT)).int64(revision);
  if (origin.term !== 0) writer.uint32(tag(4, VARINT)).uint64(origin.term);
  writer.ldelim();
  if (watchId !== 0n) writer.uint32(tag(2, VARINT)).int64(wireId(watchId));
  if (response.created === true) writer.uint32(tag(3, VARINT)).bool(true);
  if (response.canceled === true) writer.uint32(tag(4, VARINT)).bool(true);
  if (compactRevision !== 0) writer.uint32(tag(5, VARINT)).int64(compactRevision);
  if (cancelReason !== "") writer.uint32(tag(6, BYTES)).string(cancelReason);
  if (response.fragment === true) writer.uint32(tag(7, VARINT)).bool(true);
  for (const event of events) writer.uint32(tag(11, BYTES)).bytes(event);
  return writer.finish(true);
}

/**
 * The watch id of a response, for {@link encodeWatchResponse} without one to follow: fields may come in any order. So what many
 * watchers get is encoded once, and only this differs.
 */
export function encodeWatchId(watchId: bigint): Uint8Array {
  if (watchId === 0n) return EMPTY_BYTES;
  return Writer.create().uint32(tag(2, VARINT)).int64(wireId(watchId)).finish(true);
}

const VARINT = 0;
const BYTES = 2;

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}
