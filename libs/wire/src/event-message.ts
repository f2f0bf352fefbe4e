import { EMPTY_BYTES, hexId } from "@quorate/base";
import { saturatingNumber, signedId } from "./int64";
import { decodeMessage, mvccpb } from "./protocol";
import type { Subjects } from "./subjects";

/** What a message on an event subject says besides the value. Numbers are decimal; a lease is hexadecimal, as etcdctl shows it. */
export const EVENT_HEADERS = {
  /** The revision of the change. */
  revision: "Quorate-Revision",
  /** The revision that created the key; of puts. */
  createRevision: "Quorate-Create-Revision",
  /** How often the key was put since; of puts. */
  version: "Quorate-Version",
  /** The lease that the key hangs on; of puts with one. */
  lease: "Quorate-Lease",
  /** The size of a value that was left out because it is above {@link EVENT_VALUE_BYTES_MAX}. */
  valueBytes: "Quorate-Value-Bytes",
} as const;

/** Larger values are left out: a plain subscriber could not join the parts in which they would be sent. */
export const EVENT_VALUE_BYTES_MAX = 512 * 1024;

/** A change as plain subscribers of its event subject hear it. */
export interface EventMessage {
  readonly subject: string;
  /** The value: a view into the event. Empty for a delete. */
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param event An encoded mvccpb.Event.
 * @returns `undefined` if the key is too long for a subject.
 * @throws {DecodeError}
 */
export function eventMessageOf(event: Uint8Array, subjects: Subjects): EventMessage | undefined {
  const { type, kv } = decodeMessage("Event", mvccpb.Event, event);
  const kind = type === mvccpb.Event.EventType.DELETE ? "delete" : "put";
  const subject = subjects.event(kind, kv?.key ?? EMPTY_BYTES);
  if (subject === undefined) return undefined;
  const headers: Record<string, string> = {
    [EVENT_HEADERS.revision]: `${saturatingNumber(kv?.modRevision ?? 0)}`,
  };
  if (kind === "delete") return { subject, payload: EMPTY_BYTES, headers };
  headers[EVENT_HEADERS.createRevision] = `${saturatingNumber(kv?.createRevision ?? 0)}`;
  headers[EVENT_HEADERS.version] = `${saturatingNumber(kv?.version ?? 0)}`;
  const lease = signedId(kv?.lease ?? 0);
  if (lease !== 0n) headers[EVENT_HEADERS.lease] = hexId(lease);
  const value = kv?.value ?? EMPTY_BYTES;
  if (value.length <= EVENT_VALUE_BYTES_MAX) return { subject, payload: value, headers };
  headers[EVENT_HEADERS.valueBytes] = `${value.length}`;
  return { subject, payload: EMPTY_BYTES, headers };
}
