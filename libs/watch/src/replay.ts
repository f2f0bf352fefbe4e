import type { Revision } from "@quorate/mvcc";
import type { Watcher } from "./watcher";
import { WatcherIndex } from "./watcher-index";
import type { WatchEvent } from "./types";

/** Watchers of one stream that want the same and stand at the same revision: what one of them gets, all get. */
export class Replayed {
  /** What has been found for them and not been sent yet. */
  part: Part | undefined;

  constructor(readonly watchers: Watcher[]) {}

  get like(): Watcher {
    return this.watchers[0]!;
  }
}

/** Events of consecutive revisions that go to the same watchers together. */
export class Part {
  readonly events: Uint8Array[] = [];
  bytes = 0;
  last: Revision;

  constructor(readonly first: Revision) {
    this.last = first;
  }

  add(revision: Revision, event: Uint8Array): void {
    this.last = revision;
    this.events.push(event);
    this.bytes += event.length;
  }
}

/**
 * Matches events of the past to watchers, which are none of those that get the present.
 *
 * @param events Whole revisions, in order.
 * @param partBytesMax A part that has reached this at the end of a revision is sent.
 * @param send Sends `group.part`. @returns whether the group can take more.
 * @returns the groups that have been sent everything.
 */
export function replay(
  watchers: Iterable<Watcher>,
  events: readonly WatchEvent[],
  partBytesMax: number,
  send: (group: Replayed, part: Part) => boolean,
): Iterable<Replayed> {
  const waiting = grouped(watchers);
  const index = new WatcherIndex<Replayed>();
  for (const group of waiting) index.add(group.like.spec.range, group);
  const flush = (group: Replayed): void => {
    const { part } = group;
    if (part === undefined) return;
    group.part = undefined;
    if (send(group, part)) return;
    waiting.delete(group);
    index.delete(group.like.spec.range, group);
  };
  for (let at = 0; at < events.length && waiting.size > 0;) {
    const end = endOfRevision(events, at);
    const revision = events[at]!.main;
    const full = new Set<Replayed>();
    for (; at < end; at += 1) {
      const event = events[at]!;
      index.visit(event.key, (group) => {
        if (!group.like.wants(event)) return;
        group.part ??= new Part(revision);
        group.part.add(revision, group.like.bytesOf(event));
        if (group.part.bytes >= partBytesMax) full.add(group);
      });
    }
    full.forEach(flush);
  }
  for (const group of [...waiting]) flush(group);
  return waiting;
}

/** The index behind the last event that has the revision of the one at `from`. */
export function endOfRevision(events: readonly WatchEvent[], from: number): number {
  const { main } = events[from]!;
  let to = from + 1;
  while (to < events.length && events[to]!.main === main) to += 1;
  return to;
}

function grouped(watchers: Iterable<Watcher>): Set<Replayed> {
  const byStream = new Map<Watcher["stream"], Map<string, Replayed>>();
  const groups = new Set<Replayed>();
  for (const watcher of watchers) {
    const ofStream = byStream.get(watcher.stream) ?? new Map<string, Replayed>();
    byStream.set(watcher.stream, ofStream);
    const alike = `${watcher.next} ${watcher.wish}`;
    const group = ofStream.get(alike);
    if (group !== undefined) {
      group.watchers.push(watcher);
      continue;
    }
    const first = new Replayed([watcher]);
    ofStream.set(alike, first);
    groups.add(first);
  }
  return groups;
}
