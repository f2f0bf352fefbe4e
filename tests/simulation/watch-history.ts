import { binaryString } from "@quorate/base";
import { rangeContains, type Event, type KeyRange } from "@quorate/mvcc";
import { HistoryViolation } from "./history";

/** An event as a client received it. */
export interface SeenEvent {
  readonly kind: "put" | "delete";
  readonly key: string;
  readonly main: number;
  readonly value: string;
  readonly prevValue: string | undefined;
  /** Number of the response that it came in. */
  readonly response: number;
}

/** One watcher of one stream, from its creation until it or the stream ended. */
export interface WatchRecord {
  readonly client: number;
  readonly range: KeyRange;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** As asked for; 0: from now on. */
  readonly start: number;
  /** Of the answer to its creation; `undefined` while there was none. */
  createdRevision: number | undefined;
  readonly events: SeenEvent[];
  /** Each with the number of events that had come before. */
  readonly progress: { readonly revision: number; readonly after: number }[];
  /** Ended by compaction up to there. */
  compactRevision: number | undefined;
  /** Whether it was still served when everything had come to rest. */
  isLast: boolean;
}

/**
 * Checks what watchers were told against `log`, all events that ever were, in order: filter, ordered, unique, reliable,
 * atomic, bookmarkable, resumable and prev-kv. `compactRevision` is where the store was compacted in the end.
 */
export function checkWatches(
  records: readonly WatchRecord[],
  log: readonly Event[],
  compactRevision: number,
): void {
  const before = previousValues(log);
  for (const record of records) checkWatch(record, log, before, compactRevision);
}

function checkWatch(
  record: WatchRecord,
  log: readonly Event[],
  before: ReadonlyMap<Event, string | undefined>,
  compactRevision: number,
): void {
  const { events, start, createdRevision } = record;
  if (createdRevision === undefined) {
    if (events.length + record.progress.length > 0)
      fail("a watcher was served before it was created", record);
    return;
  }
  const wanted = log.filter((event) => wants(record, event));
  // Without a start revision it begins somewhere at or before what its creation said, and misses nothing after that.
  const first = start > 0 ? start : Math.min(createdRevision + 1, events[0]?.main ?? Infinity);
  const expected = wanted.filter((event) => event.main >= first);
  events.forEach((event, at) => {
    const should = expected[at];
    if (should === undefined || !isSame(event, should)) {
      fail("a watcher got another event than came next", { record, at, event, should });
    }
    checkPrevious(record, event, before.get(should), compactRevision);
    const next = events[at + 1];
    if (next !== undefined && next.main === event.main && next.response !== event.response) {
      fail("a revision was split", { record, event, next });
    }
  });
  // A revision was told of whole, or not at all.
  const last = events.at(-1);
  if (last !== undefined && expected[events.length]?.main === last.main)
    fail("a revision is incomplete", { record });
  let progressed = 0;
  for (const { revision, after } of record.progress) {
    const told = expected[after];
    if (told !== undefined && told.main <= revision)
      fail("progress overtook an event", { record, revision, told });
    if (revision < start) fail("progress before the start revision", { record, revision });
    if (revision < progressed) fail("progress went back", { record, revision });
    progressed = revision;
  }
  if (record.compactRevision !== undefined) {
    const reached = Math.max(first, (last?.main ?? 0) + 1);
    if (reached >= record.compactRevision) fail("a watcher that needs nothing older was ended", { record });
  }
  if (record.isLast && events.length < expected.length) {
    fail("a watcher was not told everything in the end", { record, missing: expected[events.length] });
  }
}

function checkPrevious(
  record: WatchRecord,
  event: SeenEvent,
  before: string | undefined,
  compactRevision: number,
): void {
  if (!record.prevKv && event.prevValue !== undefined)
    fail("a previous value that nobody asked for", { record, event });
  if (!record.prevKv || event.prevValue === before) return;
  // It is gone where compaction has passed it, and that may have happened right after the event.
  if (event.prevValue === undefined && event.main - 1 < compactRevision) return;
  fail("a previous value is wrong", { record, event, before });
}

function wants(record: WatchRecord, event: Event): boolean {
  if (event.kind === "put" ? record.noPut : record.noDelete) return false;
  return rangeContains(record.range, event.kv.key);
}

function isSame(seen: SeenEvent, event: Event): boolean {
  return (
    seen.kind === event.kind &&
    seen.main === event.main &&
    seen.key === binaryString(event.kv.key) &&
    seen.value === binaryString(event.kv.value)
  );
}

/** What each event's key held before its revision. */
function previousValues(log: readonly Event[]): Map<Event, string | undefined> {
  const values = new Map<Event, string | undefined>();
  const state = new Map<string, string>();
  for (const event of log) {
    const key = binaryString(event.kv.key);
    values.set(event, state.get(key));
    if (event.kind === "put") state.set(key, binaryString(event.kv.value));
    else state.delete(key);
  }
  return values;
}

function fail(what: string, facts: unknown): never {
  throw new HistoryViolation(`${what}: ${JSON.stringify(facts, printable)}`);
}

function printable(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString(16);
  return value instanceof Uint8Array ? binaryString(value) : value;
}
