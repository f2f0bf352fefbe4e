import { isSerializable, stepsOf, type Change, type Operation } from "./history";
import { checkDurable, checkHashes } from "./durability";
import { checkLeases, type HeldLease } from "./leases";
import { checkLinearizable, SEARCH_LIMITS, type LeaseExpiry } from "./linearizability/check-linearizable";
import { checkListAppend } from "./list-append/check-list-append";
import type { RecordedRun } from "./recorded-run";
import { checkRevisions, checkRevisionsWithoutLog } from "./revision-replay";
import { HistoryViolation, NotCheckedError, printed, violated } from "./violation";
import { checkWatches } from "./watches";

/** What one checker said. "not checked" is no pass. */
export interface Verdict {
  readonly checker: string;
  readonly kind: "kept" | "broken" | "not checked";
  readonly text: string;
}

/** Puts a run to every checker that what was recorded allows. */
export function checkRun(run: RecordedRun, limits = SEARCH_LIMITS): readonly Verdict[] {
  const [log] = run.logs;
  const isForeign = (key: string): boolean =>
    run.prefixes?.every((prefix) => !key.startsWith(prefix)) ?? false;
  const isUnknownFree =
    run.operations.every(({ outcome }) => outcome.kind !== "unknown") &&
    run.leases.length === 0 &&
    run.prefixes === undefined;
  const checks: readonly (readonly [string, boolean, () => unknown])[] = [
    ["logs agree", run.logs.length > 1, () => checkLogsAgree(run.logs)],
    ["revisions", log !== undefined, () => checkRevisions(run.operations, log!, { isForeign })],
    ["revisions without log", isUnknownFree, () => checkRevisionsWithoutLog(run.operations)],
    ["linearizability", true, () => checkLinearizable(run.operations, run.leases.map(expiryOf), limits)],
    ["list-append", run.listPrefix !== undefined, () => checkListAppend(onLists(run))],
    [
      "watches",
      log !== undefined && run.watches.length > 0,
      () => checkWatches(run.watches, log!, run.compactRevision),
    ],
    ["leases", log !== undefined && run.leases.length > 0, () => leases(run, log!)],
    ["durability", run.contents !== undefined, () => durability(run)],
    ["hashes", run.hashes.length > 1, () => ({ compared: checkHashes(run.hashes) })],
  ];
  return checks.filter(([, applies]) => applies).map(([checker, , check]) => verdict(checker, check));
}

/**
 * Checks that members have the same history: the shorter one is the beginning of the longer one.
 *
 * @throws {HistoryViolation}
 */
export function checkLogsAgree(logs: readonly (readonly Change[])[]): void {
  const [first, ...others] = logs;
  for (const other of others) {
    const common = Math.min(first!.length, other.length);
    for (let at = 0; at < common; at += 1) {
      if (printed(changeFields(first![at]!)) !== printed(changeFields(other[at]!)))
        violated("two members have different histories", { at, one: first![at], other: other[at] });
    }
  }
}

/** When a lease may end at the earliest, whatever its holder does. */
export function expiryOf({ id, ttlMs, acknowledged }: HeldLease): LeaseExpiry {
  return { lease: id, notBefore: acknowledged.length === 0 ? 0 : Math.max(...acknowledged) + ttlMs };
}

/** What reads or writes lists, and nothing else. */
function onLists({ operations, listPrefix }: RecordedRun): readonly Operation[] {
  return operations.filter(
    (operation) =>
      !isSerializable(operation) &&
      stepsOf(operation.request).every(({ key }) => key.startsWith(listPrefix!)),
  );
}

function changeFields({ revision, key, value, lease }: Change): readonly unknown[] {
  return [revision, key, value, lease];
}

function leases(run: RecordedRun, log: readonly Change[]): unknown {
  const seenAt = new Map(run.appliedAt);
  return checkLeases(run.leases, log, (revision) => seenAt.get(revision) ?? Infinity);
}

function durability(run: RecordedRun): void {
  checkDurable(run.operations, run.contents!, new Set(run.leases.flatMap(({ keys }) => keys)));
}

function verdict(checker: string, check: () => unknown): Verdict {
  try {
    const facts = check();
    return { checker, kind: "kept", text: facts === undefined ? "" : printed(facts) };
  } catch (error) {
    if (error instanceof HistoryViolation) return { checker, kind: "broken", text: error.message };
    if (error instanceof NotCheckedError) return { checker, kind: "not checked", text: error.message };
    throw error;
  }
}
