import * as wire from "@quorate/wire";
import { decodeLeaseCheckpoint, decodeLeaseExpire } from "../../../libs/wire/src/lease-commands";
import { fuzzTarget, type FuzzTarget } from "../engine/fuzz-target";
import { samplesOf } from "./message-sample";

interface MessageTarget<Value> {
  readonly decode: (bytes: Uint8Array) => Value;
  readonly encode?: (value: Value) => Uint8Array | undefined;
  /** Yes, unless told. */
  readonly skipsUnknownFields?: boolean;
}

/** @param type Full name, whose part behind the last dot names the target. */
function message<Value>(
  type: string,
  { decode, encode, skipsUnknownFields = true }: MessageTarget<Value>,
): FuzzTarget {
  return fuzzTarget({
    name: type.slice(type.lastIndexOf(".") + 1),
    decode,
    ...(encode === undefined ? {} : { encode }),
    declares: [wire.DecodeError],
    skipsUnknownFields,
    seeds: () => samplesOf(type),
  });
}

const raft = (name: string): string => `quorate.raft.v1.${name}`;
const internal = (name: string): string => `quorate.internal.v1.${name}`;
const api = (name: string): string => `quorate.api.v1.${name}`;

/** What members, gateways and fan-outs say to each other, and what is in log entries and snapshots. */
export const messagesTargets: readonly FuzzTarget[] = [
  message(raft("PeerEnvelope"), {
    decode: wire.decodePeerEnvelope,
    // The messages of one that a newer version sent are left out.
    encode: (envelope) => (envelope.unreadable === true ? undefined : wire.encodePeerEnvelope(envelope)),
  }),
  message(raft("SnapshotChunkRequest"), {
    decode: wire.decodeSnapshotChunkRequest,
    encode: wire.encodeSnapshotChunkRequest,
  }),
  message(raft("SnapshotChunk"), {
    decode: wire.decodeSnapshotChunk,
    encode: (chunk) => (chunk === "gone" ? wire.encodeSnapshotGone(1, 1) : wire.encodeSnapshotChunk(chunk)),
  }),
  message(raft("SnapshotRows"), { decode: wire.decodeSnapshotRows, encode: wire.encodeSnapshotRows }),
  message(internal("FeedRequest"), { decode: wire.decodeFeedRequest, encode: wire.encodeFeedRequest }),
  message(internal("FeedPosition"), { decode: wire.decodeFeedPosition, encode: wire.encodeFeedPosition }),
  message(internal("FeedBatch"), { decode: wire.decodeFeedBatch }),
  message(internal("HistoryRequest"), {
    decode: wire.decodeHistoryRequest,
    encode: wire.encodeHistoryRequest,
  }),
  message(internal("HistoryResponse"), { decode: wire.decodeHistoryResponse }),
  message(internal("EventSeatRequest"), {
    decode: wire.decodeEventSeatRequest,
    encode: wire.encodeEventSeatRequest,
  }),
  message(internal("EventSeatAnswer"), {
    decode: wire.decodeEventSeatAnswer,
    encode: wire.encodeEventSeatAnswer,
  }),
  message(internal("MembershipEntry"), {
    decode: wire.decodeMembershipEntry,
    encode: wire.encodeMembershipEntry,
    skipsUnknownFields: false, // an empty one says "leave joint", which no field may follow
  }),
  message(internal("MembershipRequest"), {
    decode: wire.decodeMembershipOrder,
    encode: wire.encodeMembershipOrder,
  }),
  message(internal("MembershipResult"), {
    decode: wire.decodeMembershipResult,
    encode: wire.encodeMembershipResult,
  }),
  message(internal("RawCommandBatch"), {
    decode: wire.decodeRawCommandBatch,
    encode: wire.encodeCommandBatch,
  }),
  message(internal("CommandBatch"), { decode: wire.decodeCommandBatch }),
  message(internal("LeaseExpire"), { decode: decodeLeaseExpire, encode: wire.encodeLeaseExpire }),
  message(internal("LeaseCheckpoints"), {
    decode: decodeLeaseCheckpoint,
    encode: wire.encodeLeaseCheckpoint,
  }),
  message(internal("ProposeRequest"), {
    decode: wire.decodeProposeRequest,
    encode: wire.encodeProposeRequest,
  }),
  message(internal("ProposeResponse"), {
    decode: wire.decodeProposeResponse,
    encode: wire.encodeProposeResponse,
  }),
  message(internal("ReadRequest"), { decode: wire.decodeReadRequest, encode: wire.encodeReadRequest }),
  message(internal("ReadResponse"), { decode: wire.decodeReadResponse, encode: wire.encodeReadResponse }),
  message(internal("LeaseRequest"), { decode: wire.decodeLeaseRequest }),
  message(internal("LeaseResponse"), { decode: wire.decodeLeaseResponse, encode: wire.encodeLeaseResponse }),
  message(internal("MaintenanceRequest"), { decode: wire.decodeMaintenanceRequest }),
  message(internal("NodeStatus"), { decode: wire.decodeNodeStatus, encode: wire.encodeNodeStatus }),
  message(internal("LeaderNotice"), { decode: wire.decodeLeaderNotice, encode: wire.encodeLeaderNotice }),
  message(api("WatchOpen"), { decode: wire.decodeWatchOpen, encode: wire.encodeWatchOpen }),
  message(api("WatchOpened"), { decode: wire.decodeWatchOpened, encode: wire.encodeWatchOpened }),
  message(api("WatchControl"), { decode: wire.decodeWatchControl, encode: wire.encodeWatchControl }),
  message(api("WatchDelivery"), { decode: wire.decodeWatchDelivery, encode: wire.encodeWatchDelivery }),
];
