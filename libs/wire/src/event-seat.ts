import type { Revision } from "@quorate/mvcc";
import type { SourceId } from "@quorate/watch";
import { counterOf, unsignedId, wireId } from "./int64";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.internal.v1;

/** A fan-out that publishes event subjects, or would. */
export interface EventSeatRequest {
  readonly source: SourceId;
  /** As far as it knows, everything up to here was published; 0: it does not know. */
  readonly published: Revision;
}

export interface EventSeatAnswer {
  /** Who is to publish; `undefined`: the node that was asked does not lead, and cannot tell. */
  readonly holder: SourceId | undefined;
  /** The furthest that a holder has reported; 0: nobody has. */
  readonly published: Revision;
}

export function encodeEventSeatRequest({ source, published }: EventSeatRequest): Uint8Array {
  return wire.EventSeatRequest.encode({ source: wireId(source), published }).finish();
}

/** @throws {DecodeError} */
export function decodeEventSeatRequest(bytes: Uint8Array): EventSeatRequest {
  const { source, published } = decodeMessage("EventSeatRequest", wire.EventSeatRequest, bytes);
  return {
    source: unsignedId(source) as SourceId,
    published: counterOf(published, "published") as Revision,
  };
}

export function encodeEventSeatAnswer({ holder, published }: EventSeatAnswer): Uint8Array {
  return wire.EventSeatAnswer.encode({ holder: wireId(holder ?? 0n), published }).finish();
}

/** @throws {DecodeError} */
export function decodeEventSeatAnswer(bytes: Uint8Array): EventSeatAnswer {
  const { holder, published } = decodeMessage("EventSeatAnswer", wire.EventSeatAnswer, bytes);
  const id = unsignedId(holder) as SourceId;
  return { holder: id === 0n ? undefined : id, published: counterOf(published, "published") as Revision };
}
