import type { LeaseId } from "@quorate/lease";
import fc from "fast-check";
import { decodeBatchRequest, decodeBatchResponse, encodeBatchRequest } from "./batch";
import { decodeCommandBatch, encodeCommandBatch } from "./commands";
import { encodeLeaseCheckpoint } from "./lease-commands";
import { DecodeError } from "./errors";
import {
  decodeCompactRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
} from "./etcd-requests";
import {
  decodeFeedBatch,
  decodeFeedPosition,
  decodeFeedRequest,
  decodeHistoryRequest,
  decodeHistoryResponse,
} from "./feed";
import { messageToJson } from "./json";
import {
  decodeLeaseRequest,
  decodeLeaseResponse,
  decodeProposeRequest,
  decodeProposeResponse,
  decodeReadRequest,
  decodeReadResponse,
} from "./node-requests";
import { decodeLeaderNotice, decodeNodeStatus } from "./node-status";
import { decodePeerEnvelope } from "./peer";
import { etcdserverpb, quorate } from "./protocol";
import { decodeWatchRequest } from "./watch-responses";
import { decodeWatchControl, decodeWatchDelivery, decodeWatchOpen, decodeWatchOpened } from "./watch-stream";

// Anyone who can publish can send anything: every decoder either returns a value or throws DecodeError.

const decoders: Record<string, (bytes: Uint8Array) => unknown> = {
  decodeBatchRequest,
  decodeBatchResponse,
  decodeCommandBatch,
  decodeCompactRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  decodeLeaseRequest,
  decodeLeaseResponse,
  decodeProposeRequest,
  decodeProposeResponse,
  decodeReadRequest,
  decodeReadResponse,
  decodeLeaderNotice,
  decodeNodeStatus,
  decodePeerEnvelope,
  decodeFeedBatch,
  decodeFeedPosition,
  decodeFeedRequest,
  decodeHistoryRequest,
  decodeHistoryResponse,
  decodeWatchRequest,
  decodeWatchOpen,
  decodeWatchOpened,
  decodeWatchControl,
  decodeWatchDelivery,
  "messageToJson of a TxnRequest": (bytes) => messageToJson("etcdserverpb.TxnRequest", bytes),
};

const txn = etcdserverpb.TxnRequest.encode({
  compare: [{ key: Uint8Array.of(1), target: 2, modRevision: 5, rangeEnd: new Uint8Array(0) }],
  success: [{ requestPut: { key: Uint8Array.of(1), value: new Uint8Array(40), lease: -1 } }],
  failure: [{ requestTxn: { success: [{ requestRange: { key: Uint8Array.of(2), revision: 2 ** 40 } }] } }],
}).finish();

const checkpoint = encodeLeaseCheckpoint({
  term: 3,
  checkpoints: [{ id: -1n as LeaseId, sequence: 2 ** 40, remainingSeconds: 70 }],
});

const samples = [
  quorate.internal.v1.FeedBatch.encode({
    prevRevision: 1,
    revision: 2,
    events: [
      { event: txn, headBytes: 3 },
      { event: Uint8Array.of(0x12, 3, 10, 1, 5), headBytes: 5 },
    ],
  }).finish(),
  quorate.api.v1.WatchDelivery.encode({
    sequence: 1,
    items: [
      { events: { watchers: [1], next: 3, events: [txn] } },
      { progress: { revision: 3, watchers: [1, 2] } },
    ],
    behind: [1],
  }).finish(),
  quorate.api.v1.WatchOpen.encode({
    stream: 5,
    commands: [{ create: { watcher: 1, key: Uint8Array.of(1), next: 5 } }, { progress: { watchers: [1] } }],
  }).finish(),
  txn,
  encodeCommandBatch([{ kind: "txn", bytes: txn }]),
  encodeBatchRequest([{ kind: "txn", bytes: txn }]),
  encodeCommandBatch([{ kind: "lease-checkpoint", bytes: checkpoint }]),
  quorate.raft.v1.PeerEnvelope.encode({
    version: 1,
    messages: [{ append: { term: 1, entries: [{ term: 1, type: 1, data: txn, chain: 9 }] } }],
  }).finish(),
];

/** A valid encoding with some of its bytes replaced and its end cut off: gets much deeper than random bytes do. */
const damaged = fc
  .record({
    sample: fc.constantFrom(...samples),
    changes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    cut: fc.nat({ max: 20 }),
  })
  .map(({ sample, changes, cut }) => {
    const bytes = Uint8Array.from(sample.subarray(0, sample.length - (cut % sample.length)));
    for (const [place, value] of changes) bytes[place % bytes.length] = value;
    return bytes;
  });

describe.each(Object.entries(decoders))("%s", (_, decode) => {
  it("answers any bytes with a value or a DecodeError", () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged);
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          decode(input);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
