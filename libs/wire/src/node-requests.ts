import { EMPTY_BYTES } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";
import type { MemberId, Term } from "@quorate/raft";
import type { RawRead } from "./commands";
import { DecodeError } from "./errors";
import { decodeLeaseKeepAliveRequest, decodeLeaseTimeToLiveRequest } from "./etcd-requests";
import { failureFromWire, wireFailure, type Failure } from "./failures";
import { counterOf, unsignedId, wireId, type WireInt64 } from "./int64";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.internal.v1;
type WireResult = quorate.internal.v1.Result.$Properties;
type WireRefused = quorate.internal.v1.Refused.$Properties;

export interface ProposeRequest {
  /** Only the leader of this term takes it. */
  readonly expectedTerm: Term;
  /** An encoded command batch: the payload of the log entry as it will be. */
  readonly batch: Uint8Array;
  /** Random 64 bits per start of the gateway; with `sequence` it names the proposal. */
  readonly gateway: bigint;
  readonly sequence: number;
  readonly answerAs?: AnswerAs;
}

/**
 * The member that a gateway stands for: named in the headers of answers whoever gives them, so that clients hear of one member
 * on one endpoint, as from etcd. `undefined`: the one that answers.
 */
export type AnswerAs = MemberId | undefined;

export interface ReadRequest {
  readonly reads: readonly RawRead[];
  /** Answer from applied state as it is, without asking a quorum. */
  readonly serializable: boolean;
  readonly answerAs?: AnswerAs;
}

/** Questions about leases. */
export interface LeaseRequest<Query = RawLeaseQuery> {
  readonly queries: readonly Query[];
  readonly answerAs?: AnswerAs;
}

/** A client's question about a lease as it came. */
export interface RawLeaseQuery {
  readonly kind: LeaseQuery["kind"];
  readonly bytes: Uint8Array;
}

/** The same, decoded. */
export type LeaseQuery =
  | { readonly kind: "keep-alive"; readonly id: LeaseId }
  | { readonly kind: "time-to-live"; readonly id: LeaseId; readonly keys: boolean };

/** The answer to one command or read: an encoded etcdserverpb response, or why there is none. */
export type Result =
  /** `next`: of a slice that is not the whole, where the rest begins. */
  | { readonly ok: true; readonly bytes: Uint8Array; readonly next?: Uint8Array }
  | { readonly ok: false; readonly failure: Failure };

/** Definite, but for "restarted": nothing of the request took or will take effect. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** What the refusing node knows about the leadership. */
  readonly term: Term;
  readonly leader: MemberId | undefined;
}

export type RefusalReason =
  | "not-leader"
  | "wrong-term"
  | "overloaded"
  /** A read that no quorum confirmed. */
  | "not-confirmed"
  | "stopping"
  | "malformed"
  /** Another leader's entry took the place of this one before it was committed. */
  | "superseded"
  /**
   * The one that is not definite: the node has started anew since the term that was asked for, and may have taken this very request
   * before that, if the broker delivers it again.
   */
  | "restarted"
  /** Another membership change is under way, or this leader may not make one yet. */
  | "configuration-pending"
  /** The node is newer and has a reason that is not known here. */
  | "unspecified";

/** Results are one per command or read, in order. */
export type NodeAnswer =
  | { readonly kind: "results"; readonly results: readonly Result[] }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export function encodeProposeRequest(request: ProposeRequest): Uint8Array {
  const { expectedTerm, batch, gateway, sequence } = request;
  return wire.ProposeRequest.encode({
    expectedTerm,
    batch,
    gateway: wireId(gateway),
    sequence,
    answerAs: wireId(request.answerAs ?? 0n),
  }).finish();
}

/** `batch` is a view into `bytes`. @throws {DecodeError} */
export function decodeProposeRequest(bytes: Uint8Array): ProposeRequest {
  const message = decodeMessage("ProposeRequest", wire.ProposeRequest, bytes);
  return {
    expectedTerm: termOf(message.expectedTerm),
    batch: message.batch,
    gateway: unsignedId(message.gateway),
    sequence: counterOf(message.sequence, "sequence"),
    answerAs: answerAsOf(message.answerAs),
  };
}

export function encodeProposeResponse(answer: NodeAnswer): Uint8Array {
  return wire.ProposeResponse.encode(
    answer.kind === "results"
      ? { applied: { results: answer.results.map(wireResult) } }
      : { refused: wireRefusal(answer.refusal) },
  ).finish();
}

/** Results are views into `bytes`. @throws {DecodeError} */
export function decodeProposeResponse(bytes: Uint8Array): NodeAnswer {
  const message = decodeMessage("ProposeResponse", wire.ProposeResponse, bytes);
  return nodeAnswer("ProposeResponse", message.applied, message.refused);
}

export function encodeReadRequest({ reads, serializable, answerAs }: ReadRequest): Uint8Array {
  return wire.ReadRequest.encode({
    reads: reads.map(({ kind, bytes }) => ({ [kind]: bytes })),
    serializable,
    answerAs: wireId(answerAs ?? 0n),
  }).finish();
}

/** The reads are views into `bytes`. @throws {DecodeError} */
export function decodeReadRequest(bytes: Uint8Array): ReadRequest {
  const message = decodeMessage("ReadRequest", wire.ReadRequest, bytes);
  const { reads, serializable, answerAs } = message;
  return { reads: reads.map(rawRead), serializable, answerAs: answerAsOf(answerAs) };
}

export function encodeReadResponse(answer: NodeAnswer): Uint8Array {
  return wire.ReadResponse.encode(
    answer.kind === "results"
      ? { results: { results: answer.results.map(wireResult) } }
      : { refused: wireRefusal(answer.refusal) },
  ).finish();
}

/** Results are views into `bytes`. @throws {DecodeError} */
export function decodeReadResponse(bytes: Uint8Array): NodeAnswer {
  const message = decodeMessage("ReadResponse", wire.ReadResponse, bytes);
  return nodeAnswer("ReadResponse", message.results, message.refused);
}

export function encodeLeaseRequest({ queries, answerAs }: LeaseRequest): Uint8Array {
  const wireQuery = ({ kind, bytes }: RawLeaseQuery): quorate.internal.v1.RawLeaseQuery.$Properties =>
    kind === "keep-alive" ? { keepAlive: bytes } : { timeToLive: bytes };
  return wire.LeaseRequest.encode({
    queries: queries.map(wireQuery),
    answerAs: wireId(answerAs ?? 0n),
  }).finish();
}

/** @throws {DecodeError} */
export function decodeLeaseRequest(bytes: Uint8Array): LeaseRequest<LeaseQuery> {
  const message = decodeMessage("LeaseRequest", wire.LeaseRequest, bytes);
  const queries = message.queries.map((query): LeaseQuery => {
    if (query.keepAlive) return { kind: "keep-alive", id: decodeLeaseKeepAliveRequest(query.keepAlive) };
    if (query.timeToLive) return { kind: "time-to-live", ...decodeLeaseTimeToLiveRequest(query.timeToLive) };
    throw new DecodeError("RawLeaseQuery", "its kind is not known");
  });
  return { queries, answerAs: answerAsOf(message.answerAs) };
}

export function encodeLeaseResponse(answer: NodeAnswer): Uint8Array {
  return wire.LeaseResponse.encode(
    answer.kind === "results"
      ? { results: { results: answer.results.map(wireResult) } }
      : { refused: wireRefusal(answer.refusal) },
  ).finish();
}

/** Results are views into `bytes`. @throws {DecodeError} */
export function decodeLeaseResponse(bytes: Uint8Array): NodeAnswer {
  const message = decodeMessage("LeaseResponse", wire.LeaseResponse, bytes);
  return nodeAnswer("LeaseResponse", message.results, message.refused);
}

function nodeAnswer(
  subject: string,
  results: { results?: WireResult[] | null } | null | undefined,
  refused: WireRefused | null | undefined,
): NodeAnswer {
  if (results) return { kind: "results", results: (results.results ?? []).map(resultOf) };
  if (refused) return { kind: "refused", refusal: refusalOf(refused) };
  throw new DecodeError(subject, "it has no outcome");
}

function rawRead(message: quorate.internal.v1.RawRead.$Properties): RawRead {
  if (message.range) return { kind: "range", bytes: message.range };
  if (message.txn) return { kind: "txn", bytes: message.txn };
  if (message.page) return { kind: "page", bytes: message.page };
  if (message.slice) return { kind: "slice", bytes: message.slice };
  if (message.leases) return { kind: "leases", bytes: message.leases };
  if (message.alarms) return { kind: "alarms", bytes: message.alarms };
  throw new DecodeError("RawRead", "its kind is not known");
}

function wireResult(result: Result): WireResult {
  if (!result.ok) return { failure: wireFailure(result.failure) };
  const { bytes, next } = result;
  return next === undefined ? { ok: bytes } : { partial: { response: bytes, next } };
}

function resultOf(message: WireResult): Result {
  if (message.ok) return { ok: true, bytes: message.ok };
  if (message.partial) {
    const { response, next } = message.partial;
    return { ok: true, bytes: response ?? EMPTY_BYTES, next: next ?? EMPTY_BYTES };
  }
  if (message.failure) return { ok: false, failure: failureFromWire(message.failure) };
  throw new DecodeError("Result", "it is neither a response nor a failure");
}

function wireRefusal(refusal: Refusal): WireRefused {
  return { reason: WIRE_REASONS[refusal.reason], term: refusal.term, leader: wireId(refusal.leader ?? 0n) };
}

function refusalOf(message: WireRefused): Refusal {
  return {
    reason: REASONS.get(message.reason ?? 0) ?? "unspecified",
    term: termOf(message.term ?? 0),
    leader: knownMember(message.leader ?? 0),
  };
}

const { Reason } = wire.Refused;

const WIRE_REASONS: Readonly<Record<RefusalReason, quorate.internal.v1.Refused.Reason>> = {
  unspecified: Reason.UNSPECIFIED,
  "not-leader": Reason.NOT_LEADER,
  "wrong-term": Reason.WRONG_TERM,
  overloaded: Reason.OVERLOADED,
  "not-confirmed": Reason.NOT_CONFIRMED,
  stopping: Reason.STOPPING,
  malformed: Reason.MALFORMED,
  superseded: Reason.SUPERSEDED,
  restarted: Reason.RESTARTED,
  "configuration-pending": Reason.CONFIGURATION_PENDING,
};

const REASONS: ReadonlyMap<number, RefusalReason> = new Map(
  Object.entries(WIRE_REASONS).map(([reason, number]) => [number, reason as RefusalReason]),
);

function answerAsOf(value: WireInt64): AnswerAs {
  const id = unsignedId(value);
  return id === 0n ? undefined : (id as MemberId);
}

function termOf(value: WireInt64): Term {
  return counterOf(value, "term") as Term;
}

/** Members are never 0: that stands for "none known". */
function knownMember(value: WireInt64): MemberId | undefined {
  const id = unsignedId(value);
  return id === 0n ? undefined : (id as MemberId);
}
