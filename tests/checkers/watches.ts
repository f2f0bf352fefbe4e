import { spanContains, type Change, type KeySpan, type Version } from "./history";
import { applyEffects, stampedAt } from "./naive-contents";
import { violated } from "./violation";

/** An event as a client received it. */
export interface SeenEvent {
  readonly revision: number;
  readonly key: string;
  /** Absent: a delete. */
  readonly value?: string;
  readonly lease?: string;
  /** Of a delete 0, as is the version. */
  readonly createRevision: number;
  readonly version: number;
  /** The version before, where it was asked for and there was one. */
  readonly previous?: Version;
  /** Number of the response that it came in. */
  readonly response: number;
}

/** One watcher of one stream, from its creation until it or the stream ended. */
export interface WatchRecord {
  readonly client: number;
  readonly span: KeySpan;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** As asked for; 0: from now on. */
  readonly start: number;
  /** Of the answer to its creation; absent while there was none. */
  createdRevision?: number;
  readonly events: SeenEvent[];
  /** Each with the number of events that had come before. */
  readonly progress: { readonly revision: number; readonly after: number }[];
  /** Ended by compaction up to there. */
  compactRevision?: number;
  /** Whether it was still served when everything had come to rest. */
  isLast: boolean;
}

/** A change, with what it means to who watches. */
interface Told {
  readonly change: Change;
  /** Absent: a delete. */
  readonly now: Version | undefined;
  /** As it was before the revision. */
  readonly before: Version | undefined;
}

/**
 * Checks what watchers were told against `log`, all changes that ever were, in order: filter, ordered, unique, reliable,
 * atomic, bookmarkable, resumable, is-create and prev-kv.
 *
 * @param compactRevision Where the store was compacted in the end: behind it, previous versions may be gone.
 * @throws {HistoryViolation}
 */
export function checkWatches(
  records: readonly WatchRecord[],
  log: readonly Change[],
  compactRevision: number,
): void {
  const told = toldOf(log);
  for (const record of records) checkWatch(record, told, compactRevision);
}

function checkWatch(record: WatchRecord, log: readonly Told[], compactRevision: number): void {
  const { events, start, createdRevision } = record;
  if (createdRevision === undefined) {
    if (events.length + record.progress.length > 0)
      violated("a watcher was served before it was created", record);
    return;
  }
  const wanted = log.filter(({ change }) => wants(record, change));
  // Without a start revision it begins somewhere at or before what its creation said, and misses nothing after that.
  const first = start > 0 ? start : Math.min(createdRevision + 1, events[0]?.revision ?? Infinity);
  const expected = wanted.filter(({ change }) => change.revision >= first);
  events.forEach((event, at) => {
    const should = expected[at];
    if (should === undefined || !isSame(event, should.change))
      violated("a watcher got another event than came next", { watcher: facts(record), at, event, should });
    checkVersions(record, event, should, compactRevision);
    const next = events[at + 1];
    if (next !== undefined && next.revision === event.revision && next.response !== event.response)
      violated("a revision was split", { watcher: facts(record), event, next });
  });
  // A revision was told of whole, or not at all.
  const last = events.at(-1);
  if (last !== undefined && expected[events.length]?.change.revision === last.revision)
    violated("a revision is incomplete", { watcher: facts(record), last });
  checkProgress(record, expected);
  if (record.compactRevision !== undefined) {
    const reached = Math.max(first, (last?.revision ?? 0) + 1);
    if (reached >= record.compactRevision)
      violated("a watcher that needs nothing older was ended", { watcher: facts(record), reached });
  }
  if (record.isLast && events.length < expected.length)
    violated("a watcher was not told everything in the end", {
      watcher: facts(record),
      missing: expected[events.length],
    });
}

/** All that matches up to a progress revision has come before it. */
function checkProgress(record: WatchRecord, expected: readonly Told[]): void {
  let progressed = 0;
  for (const { revision, after } of record.progress) {
    const told = expected[after];
    if (told !== undefined && told.change.revision <= revision)
      violated("progress overtook an event", { watcher: facts(record), revision, told });
    if (revision < record.start)
      violated("progress before the start revision", { watcher: facts(record), revision });
    if (revision < progressed)
      violated("progress went back", { watcher: facts(record), revision, progressed });
    progressed = revision;
  }
}

function checkVersions(record: WatchRecord, event: SeenEvent, should: Told, compactRevision: number): void {
  const { now, before } = should;
  if (event.createRevision !== (now?.createRevision ?? 0) || event.version !== (now?.version ?? 0))
    violated("an event is wrong about when its key was created", { watcher: facts(record), event, should });
  const { previous } = event;
  if (!record.prevKv && previous !== undefined)
    violated("a previous version that nobody asked for", { watcher: facts(record), event });
  if (!record.prevKv || isSameVersion(previous, before)) return;
  // It is gone where compaction has passed it, and that may have happened right after the event.
  if (previous === undefined && event.revision - 1 < compactRevision) return;
  violated("a previous version is wrong", { watcher: facts(record), event, before });
}

function wants({ span, noPut, noDelete }: WatchRecord, { key, value }: Change): boolean {
  if (value === undefined ? noDelete : noPut) return false;
  return spanContains(span, key);
}

function isSame(seen: SeenEvent, change: Change): boolean {
  return (
    seen.revision === change.revision &&
    seen.key === change.key &&
    seen.value === change.value &&
    seen.lease === change.lease
  );
}

function isSameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a?.value === b?.value && a?.modRevision === b?.modRevision && a?.version === b?.version;
}

/** What identifies a watcher, without all that it was told. */
function facts({ client, span, start, createdRevision, events }: WatchRecord): object {
  return { client, span, start, createdRevision, events: events.length };
}

function toldOf(log: readonly Change[]): Told[] {
  const contents = new Map<string, Version>();
  return [...Map.groupBy(log, ({ revision }) => revision)].flatMap(([revision, changes]) => {
    const stamp = stampedAt(revision);
    const before = changes.map(({ key }) => contents.get(key));
    return changes.map((change, at) => {
      applyEffects(contents, [change], stamp);
      return { change, now: contents.get(change.key), before: before[at] };
    });
  });
}
