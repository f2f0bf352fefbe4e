import { assertNever } from "@quorate/base";
import type { Command, ReadCommand } from "@quorate/state-machine";
import { decodeAlarmQuery, decodeAlarmRequest } from "./alarms";
import { DecodeError } from "./errors";
import {
  decodeCompactRequest,
  decodeDeleteRangeRequest,
  decodeLeaseGrantRequest,
  decodeLeaseRevokeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
} from "./etcd-requests";
import { decodeLeaseCheckpoint, decodeLeaseExpire } from "./lease-commands";
import { decodeMessage, quorate } from "./protocol";

const { RawCommandBatch } = quorate.internal.v1;

/** A command as it came: what it is, and its encoded etcdserverpb request, or a leader's own about leases. */
export interface RawCommand {
  readonly kind: Exclude<Command["kind"], "membership">;
  readonly bytes: Uint8Array;
}

/** A client's read as it came. */
export interface RawRead {
  readonly kind: ReadCommand["kind"];
  readonly bytes: Uint8Array;
}

/**
 * The payload of a command entry: the requests of many clients, in order, without decoding any of them.
 *
 * Sized first and then written straight into memory of its own, which is not part of any pool: a gateway does this for
 * every write, and a generic writer would copy each request four times on its way through two levels of nesting.
 */
export function encodeCommandBatch(commands: readonly RawCommand[]): Uint8Array {
  let size = 0;
  for (const { bytes } of commands) size += delimitedSize(delimitedSize(bytes.length));
  const payload = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const { kind, bytes } of commands) {
    at = writeHead(payload, at, COMMANDS_FIELD, delimitedSize(bytes.length));
    at = writeHead(payload, at, KIND_FIELDS[kind], bytes.length);
    payload.set(bytes, at);
    at += bytes.length;
  }
  return payload;
}

/**
 * The commands in an entry's payload. Their byte fields are views into `payload`.
 *
 * Each command is decoded alone, by the function that a gateway validates it with: so what a gateway accepts, every
 * node can apply, however deep it is nested.
 *
 * @throws {DecodeError} some command is malformed or of an unknown kind.
 */
export function decodeCommandBatch(payload: Uint8Array): Command[] {
  return decodeRawCommandBatch(payload).map(decodeCommand);
}

/** The same, left encoded. @throws {DecodeError} */
export function decodeRawCommandBatch(payload: Uint8Array): RawCommand[] {
  return decodeMessage("CommandBatch", RawCommandBatch, payload).commands.map((message) => {
    if (message.put) return { kind: "put", bytes: message.put };
    if (message.deleteRange) return { kind: "delete-range", bytes: message.deleteRange };
    if (message.txn) return { kind: "txn", bytes: message.txn };
    if (message.compact) return { kind: "compact", bytes: message.compact };
    if (message.leaseGrant) return { kind: "lease-grant", bytes: message.leaseGrant };
    if (message.leaseRevoke) return { kind: "lease-revoke", bytes: message.leaseRevoke };
    if (message.leaseExpire) return { kind: "lease-expire", bytes: message.leaseExpire };
    if (message.leaseCheckpoint) return { kind: "lease-checkpoint", bytes: message.leaseCheckpoint };
    if (message.alarm) return { kind: "alarm", bytes: message.alarm };
    throw new DecodeError("Command", "its kind is not known", { unknownKind: true });
  });
}

/** @throws {DecodeError} */
export function decodeCommand(raw: RawCommand): Command {
  switch (raw.kind) {
    case "put":
      return { kind: "put", request: decodePutRequest(raw.bytes) };
    case "delete-range":
      return { kind: "delete-range", request: decodeDeleteRangeRequest(raw.bytes) };
    case "txn":
      return { kind: "txn", request: decodeTxnRequest(raw.bytes) };
    case "compact":
      return { kind: "compact", request: decodeCompactRequest(raw.bytes) };
    case "lease-grant":
      return { kind: "lease-grant", request: decodeLeaseGrantRequest(raw.bytes) };
    case "lease-revoke":
      return { kind: "lease-revoke", request: decodeLeaseRevokeRequest(raw.bytes) };
    case "lease-expire":
      return { kind: "lease-expire", request: decodeLeaseExpire(raw.bytes) };
    case "lease-checkpoint":
      return { kind: "lease-checkpoint", request: decodeLeaseCheckpoint(raw.bytes) };
    case "alarm":
      return { kind: "alarm", request: decodeAlarmRequest(raw.bytes) };
    default:
      return assertNever(raw.kind);
  }
}

/** @throws {DecodeError} */
export function decodeRead(raw: RawRead): ReadCommand {
  switch (raw.kind) {
    case "range":
      return { kind: "range", request: decodeRangeRequest(raw.bytes) };
    case "page":
      return { kind: "page", request: decodeRangeRequest(raw.bytes) };
    case "slice":
      return { kind: "slice", request: decodeRangeRequest(raw.bytes) };
    case "txn":
      return { kind: "txn", request: decodeTxnRequest(raw.bytes) };
    case "leases":
      return { kind: "leases" }; // its request has no fields
    case "alarms":
      return { kind: "alarms", type: decodeAlarmQuery(raw.bytes).type };
    default:
      return assertNever(raw.kind);
  }
}

/**
 * Whether a batch holds nothing but commands that all members can apply, by a look at tags and lengths alone: the requests
 * inside are not decoded. Whoever puts a batch into the log asks this first, for a member that meets a kind it does not know
 * has to stop.
 *
 * @param clusterVersion The one that the log is at.
 * @param since The cluster version that a kind came with, of those that came after the first.
 */
export function isApplicable(
  payload: Uint8Array,
  clusterVersion: number,
  since: Partial<Record<RawCommand["kind"], number>> = KINDS_SINCE,
): boolean {
  for (let at = 0; at < payload.length;) {
    const command = readHead(payload, at, payload.length);
    if (command?.field !== COMMANDS_FIELD) return false;
    const request = readHead(payload, command.start, command.end);
    const kind = request?.end === command.end ? KINDS_BY_FIELD.get(request.field) : undefined;
    if (kind === undefined || (since[kind] ?? 0) > clusterVersion) return false;
    at = command.end;
  }
  return true;
}

const KINDS_SINCE: Partial<Record<RawCommand["kind"], number>> = {};

/** RawCommandBatch.commands. */
const COMMANDS_FIELD = 1;

/** The fields of RawCommand. */
const KIND_FIELDS: Readonly<Record<RawCommand["kind"], number>> = {
  put: 1,
  "delete-range": 2,
  txn: 3,
  compact: 4,
  "lease-grant": 5,
  "lease-revoke": 6,
  "lease-expire": 7,
  "lease-checkpoint": 8,
  alarm: 9,
};

const KINDS_BY_FIELD = new Map(
  Object.entries(KIND_FIELDS).map(([kind, field]) => [field, kind as RawCommand["kind"]]),
);

const LENGTH_DELIMITED = 2;

/** Bytes that a length-delimited field of a number below 16 takes: tag, length, content. */
function delimitedSize(contentLength: number): number {
  let size = 2 + contentLength;
  for (let rest = contentLength >>> 7; rest > 0; rest >>>= 7) size += 1;
  return size;
}

/** Writes tag and length; returns where the content begins. */
function writeHead(target: Uint8Array, start: number, field: number, contentLength: number): number {
  let at = start;
  target[at++] = (field << 3) | LENGTH_DELIMITED;
  let rest = contentLength;
  for (; rest > 127; rest >>>= 7) target[at++] = (rest & 127) | 128;
  target[at++] = rest;
  return at;
}

/** The length-delimited field that begins at `start`, with a number below 16; `undefined` if there is none up to `limit`. */
function readHead(
  source: Uint8Array,
  start: number,
  limit: number,
): { readonly field: number; readonly start: number; readonly end: number } | undefined {
  const tag = source[start] ?? 0;
  let length = 0;
  let at = start + 1;
  for (let shift = 1; ; shift *= 128) {
    if (at >= limit || shift > 2 ** 28) return undefined;
    const byte = source[at++]!;
    length += (byte & 127) * shift;
    if (byte < 128) break;
  }
  const end = at + length;
  if ((tag & 7) !== LENGTH_DELIMITED || end > limit) return undefined;
  return { field: tag >>> 3, start: at, end };
}
