import { previousKeyValues, readEvents, type Event, type Revision } from "@quorate/mvcc";
import type { AppliedPosition, StateView } from "@quorate/state-machine";
import {
  encodeHistoryCompacted,
  HistoryResponseWriter,
  type FedEvent,
  type HistoryRequest,
} from "@quorate/wire";

/** More is not read at once, whatever is asked for: the apply lane must go on. */
const CHUNK_BYTES_MAX = 1024 * 1024;

/** The changes from a revision on, whole revisions only, as far as the limit allows: an encoded HistoryResponse. */
export function encodeHistory(
  view: StateView,
  request: HistoryRequest,
  position: AppliedPosition,
): Uint8Array {
  const { revision, compactRevision } = position;
  const { from } = request;
  if (from < compactRevision) return encodeHistoryCompacted(revision, compactRevision);
  const bytesMax = Math.min(request.bytesMax, CHUNK_BYTES_MAX);
  const events: Event[] = [];
  let bytes = 0;
  let next = Math.max(from, revision + 1) as Revision;
  for (const event of readEvents(view, from)) {
    if (bytes >= bytesMax && event.sub === 0) {
      next = event.main;
      break;
    }
    events.push(event);
    bytes += event.kv.key.length + event.kv.value.length;
  }
  const writer = new HistoryResponseWriter();
  for (const event of withPrevious(view, events, compactRevision)) writer.add(event);
  return writer.finish(next, revision, compactRevision);
}

/** Each event with the version that it superseded, if that can still be told. */
export function withPrevious(
  view: StateView,
  events: readonly Event[],
  compactRevision: Revision,
): FedEvent[] {
  const previous = previousKeyValues(view, events, compactRevision);
  return events.map((event, at) => ({ event, prevKv: previous[at] }));
}
