import { isOk, mayChange, type Change, type Operation } from "../checkers/history";
import type { WatchRecord } from "../checkers/watches";
import type { Marks } from "./marks";

/** What callers and watchers went through. */
export interface ObservedHistory {
  readonly operations: readonly Operation[];
  readonly log: readonly Change[];
  readonly watches: readonly WatchRecord[];
  readonly watchesResumed: number;
  /** When a leader was seen in a new term, from the beginning on. */
  readonly leadersSeenAt: readonly number[];
}

/** Notes what only shows in histories, once they have passed their checks. */
export function markHistory(marks: Marks, history: ObservedHistory): void {
  const { operations, log, watches } = history;
  const changesAt = history.leadersSeenAt.slice(1);
  const written = new Set(log.flatMap((change) => ("value" in change ? [change.value] : [])));
  for (const operation of operations) {
    const { request, outcome, calledAt, returnedAt } = operation;
    if (isOk(operation) && changesAt.some((at) => at > calledAt && at < returnedAt)) {
      const what = mayChange(request)
        ? ("a write was acknowledged across a change of leader" as const)
        : ("a read was pending across a change of leader" as const);
      marks.sometimes(what);
    }
    if (outcome.kind === "unknown" && request.kind === "put" && written.has(request.value))
      marks.sometimes("a write of unknown outcome took effect");
    if (outcome.kind === "refused" && outcome.code === "no-space")
      marks.sometimes("a write was refused for want of space");
  }
  if (watches.some(({ compactRevision }) => compactRevision !== undefined))
    marks.sometimes("compaction passed a watcher");
  if (history.watchesResumed > 0) marks.sometimes("a watch stream was opened anew");
}
