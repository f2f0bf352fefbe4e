/** What surrounds the events of a response, at the most. */
const HEAD_BYTES = 128;
/** Tag and length of an event in a response, at the most. */
const EVENT_HEAD_BYTES = 6;

/** Splits the events of one response so that each part stays below `bytesMax`, unless it is one huge event. */
export function fragmentsOf(events: readonly Uint8Array[], bytesMax: number): (readonly Uint8Array[])[] {
  const parts: Uint8Array[][] = [];
  let part: Uint8Array[] = [];
  let bytes = HEAD_BYTES;
  for (const event of events) {
    const size = event.length + EVENT_HEAD_BYTES;
    if (part.length > 0 && bytes + size >= bytesMax) {
      parts.push(part);
      part = [];
      bytes = HEAD_BYTES;
    }
    part.push(event);
    bytes += size;
  }
  parts.push(part);
  return parts;
}
