import { log, version } from "./operation-builders";
import { checkWatches, type SeenEvent, type WatchRecord } from "./watches";

const changes = log("a=1", "b=2", "a=3+c=4", "a", "b=5");

const told: readonly SeenEvent[] = [
  { revision: 2, key: "a", value: "1", createRevision: 2, version: 1, response: 1 },
  { revision: 3, key: "b", value: "2", createRevision: 3, version: 1, response: 1 },
  { revision: 4, key: "a", value: "3", createRevision: 2, version: 2, response: 2 },
  { revision: 4, key: "c", value: "4", createRevision: 4, version: 1, response: 2 },
  { revision: 5, key: "a", createRevision: 0, version: 0, response: 3 },
  { revision: 6, key: "b", value: "5", createRevision: 3, version: 2, response: 3 },
];
/** With the version before. */
const withPrevious = told.map((event, at): SeenEvent => {
  const before = {
    2: version("a", "1", 2),
    4: version("a", "3", 4, { createRevision: 2, version: 2 }),
    5: version("b", "2", 3),
  }[at];
  return before === undefined ? event : { ...event, previous: before };
});

function watcher(events: readonly SeenEvent[], fields: Partial<WatchRecord> = {}): WatchRecord {
  return {
    client: 1,
    span: { key: "\0", rangeEnd: "\0" },
    prevKv: false,
    noPut: false,
    noDelete: false,
    start: 2,
    createdRevision: 1,
    events: [...events],
    progress: [],
    isLast: true,
    ...fields,
  };
}

const without = (at: number): SeenEvent[] => told.filter((_, place) => place !== at);
const changed = (at: number, fields: Partial<SeenEvent>): SeenEvent[] =>
  told.map((event, place) => (place === at ? { ...event, ...fields } : event));

describe("checkWatches", () => {
  it.each<[string, WatchRecord]>([
    ["everything", watcher(told)],
    ["previous versions", watcher(withPrevious, { prevKv: true })],
    ["one key", watcher([told[0]!, told[2]!, told[4]!], { span: { key: "a" } })],
    ["a range", watcher([told[1]!, told[5]!], { span: { key: "b", rangeEnd: "c" } })],
    ["no deletes", watcher(without(4), { noDelete: true })],
    ["only deletes", watcher([told[4]!], { noPut: true })],
    ["the rest, resumed from a revision", watcher(told.slice(4), { start: 5 })],
    ["what came since its creation", watcher(told.slice(4), { start: 0, createdRevision: 4 })],
    ["less, if it ended", watcher(told.slice(0, 2), { isLast: false })],
    [
      "progress between",
      watcher(told, {
        progress: [
          { revision: 3, after: 2 },
          { revision: 6, after: 6 },
        ],
      }),
    ],
    ["nothing, ended by compaction", watcher([], { isLast: false, start: 2, compactRevision: 4 })],
    ["nothing, never created", { ...watcher([]), createdRevision: undefined } as unknown as WatchRecord],
  ])("accepts a watcher that is told %s", (_name, record) => {
    checkWatches([record], changes, 0);
  });

  it.each<[string, WatchRecord, string]>([
    ["a gap (reliable)", watcher(without(1)), "another event"],
    ["an event twice (unique)", watcher([told[0]!, ...told]), "another event"],
    ["events out of order (ordered)", watcher([told[1]!, told[0]!, ...told.slice(2)]), "another event"],
    ["an event of another key (filter)", watcher(told, { span: { key: "a" } }), "another event"],
    ["a delete that was not wanted (filter)", watcher(told, { noDelete: true }), "another event"],
    ["a value that was never written", watcher(changed(1, { value: "9" })), "another event"],
    ["half of a revision (atomic)", watcher(told.slice(0, 3), { isLast: false }), "incomplete"],
    ["a revision in two responses (atomic)", watcher(changed(3, { response: 9 })), "split"],
    ["an event before its start (resumable)", watcher(told, { start: 4 }), "another event"],
    ["less than everything in the end", watcher(told.slice(0, 4)), "not told everything"],
    [
      "progress over an event (bookmarkable)",
      watcher(told, { progress: [{ revision: 3, after: 1 }] }),
      "progress overtook",
    ],
    [
      "progress backwards",
      watcher(told, {
        progress: [
          { revision: 6, after: 6 },
          { revision: 5, after: 6 },
        ],
      }),
      "went back",
    ],
    ["a change as a creation (is-create)", watcher(changed(2, { createRevision: 4, version: 1 })), "created"],
    [
      "a wrong previous version (prev-kv)",
      watcher(
        withPrevious.map((event, at) => (at === 2 ? { ...event, previous: version("a", "0", 2) } : event)),
        { prevKv: true },
      ),
      "previous version is wrong",
    ],
    ["no previous version (prev-kv)", watcher(told, { prevKv: true }), "previous version is wrong"],
    ["a previous version unasked", watcher(withPrevious), "nobody asked"],
    [
      "an end by compaction, needing nothing old",
      watcher(told, { compactRevision: 3 }),
      "needs nothing older",
    ],
  ])("rejects %s", (_name, record, message) => {
    expect(() => checkWatches([record], changes, 0)).toThrow(message);
  });

  it("excuses a previous version that compaction may have taken", () => {
    checkWatches([watcher(told, { prevKv: true })], changes, 6);
  });
});
