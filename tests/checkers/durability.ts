import { carriedOut, isOk, mayChange, spanContains, stepsOf, type Operation, type Version } from "./history";
import { printed, violated } from "./violation";

/**
 * Checks that every acknowledged write is in the store at the end, or something that may have replaced it: by what a member
 * holds, without any history of its own.
 *
 * @param contents All keys of the history, read when nothing was under way.
 * @param ended Keys that a lease may have deleted.
 * @throws {HistoryViolation}
 */
export function checkDurable(
  operations: readonly Operation[],
  contents: readonly Version[],
  ended: ReadonlySet<string> = new Set(),
): void {
  const stored = new Map(contents.map((version) => [version.key, version]));
  const newest = new Map<
    string,
    { readonly revision: number; readonly value: string; readonly by: Operation }
  >();
  for (const by of operations.filter(isOk)) {
    const { revision } = by.outcome;
    for (const [step] of carriedOut(by)) {
      if (step.kind === "put" && revision > (newest.get(step.key)?.revision ?? 0))
        newest.set(step.key, { revision, value: step.value, by });
    }
  }
  const lost: object[] = [];
  for (const [key, { revision, value, by }] of newest) {
    const found = stored.get(key);
    if (found === undefined) {
      if (!ended.has(key) && !operations.some((other) => mayHaveDeleted(other, key, revision)))
        lost.push({ key, acknowledged: by });
    } else if (found.modRevision < revision || (found.modRevision === revision && found.value !== value)) {
      lost.push({ key, acknowledged: by, found });
    } else if (found.modRevision > revision && !operations.some((other) => mayHaveWritten(other, found))) {
      lost.push({ key, acknowledged: by, found, replacedBy: "nobody" });
    }
  }
  if (lost.length > 0)
    violated(`${lost.length} acknowledged writes are not in the store`, lost.slice(0, SHOWN_MAX));
}

/** What a member says of its contents at a revision. */
export interface MemberHash {
  readonly member: string;
  readonly revision: number;
  readonly compactRevision: number;
  readonly hash: number;
}

/**
 * Checks that members who hashed the same revisions come to the same.
 *
 * @returns How many comparisons there were: a caller that expects some must look.
 * @throws {HistoryViolation}
 */
export function checkHashes(hashes: readonly MemberHash[]): number {
  const alike = Map.groupBy(hashes, ({ revision, compactRevision }) => `${revision} ${compactRevision}`);
  let compared = 0;
  for (const group of alike.values()) {
    if (new Set(group.map(({ hash }) => hash)).size > 1)
      violated("members hold different things at one revision", group);
    compared += new Set(group.map(({ member }) => member)).size - 1;
  }
  return compared;
}

/** A revision that somebody was told by a member, in answer to a call. */
export interface SeenRevision {
  readonly client: number;
  /** Who answered; "" if any may have, in a linearizable call. */
  readonly member: string;
  readonly revision: number;
}

/**
 * Checks that no client is told a lower revision by a member than that member had told it before.
 *
 * @param seen In the order in which each client was answered.
 * @throws {HistoryViolation}
 */
export function checkRevisionsNeverFall(seen: readonly SeenRevision[]): void {
  const newest = new Map<string, number>();
  for (const one of seen) {
    const pair = printed([one.client, one.member]);
    const before = newest.get(pair) ?? 0;
    if (one.revision < before) violated("a client was told a lower revision than before", { ...one, before });
    newest.set(pair, one.revision);
  }
}

const SHOWN_MAX = 5;

function mayHaveDeleted({ request, outcome }: Operation, key: string, since: number): boolean {
  if (outcome.kind === "refused" || !mayChange(request)) return false;
  if (outcome.kind === "ok" && outcome.revision <= since) return false;
  return stepsOf(request).some((step) => step.kind === "delete" && spanContains(step, key));
}

function mayHaveWritten({ request, outcome }: Operation, { key, value, modRevision }: Version): boolean {
  if (outcome.kind === "refused" || (outcome.kind === "ok" && outcome.revision !== modRevision)) return false;
  return stepsOf(request).some((step) => step.kind === "put" && step.key === key && step.value === value);
}
