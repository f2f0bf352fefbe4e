import { spanContains, type Comparison, type KeySpan, type StoreRequest } from "./history";
import type { StepResult, StoreResult, TxnStep, Version } from "./history";

/** All keys and what they hold. */
export type Contents = ReadonlyMap<string, Version>;

/** A change that a request makes to the contents it meets. */
export interface Effect {
  readonly key: string;
  /** Absent: deleted. */
  readonly value?: string;
  readonly lease?: string;
}

/** Gives a version its revisions: of the `effect` that replaces `old`. */
export type Stamp = (effect: Effect & { readonly value: string }, old: Version | undefined) => Version;

export interface Execution {
  readonly result: StoreResult;
  readonly effects: readonly Effect[];
}

/** How a store gives revisions to what is written at `revision`. */
export function stampedAt(revision: number): Stamp {
  return ({ key, value, lease }, old) => ({
    key,
    value,
    createRevision: old?.createRevision ?? revision,
    modRevision: revision,
    version: (old?.version ?? 0) + 1,
    ...(lease === undefined ? {} : { lease }),
  });
}

/**
 * What `request` would do to `contents`, and be answered: the API's meaning in its plainest form, against which everything
 * that is recorded is held. Contents are not touched.
 */
export function execute(contents: Contents, request: StoreRequest, stamp: Stamp): Execution {
  switch (request.kind) {
    case "grant":
      return { result: { kind: "lease" }, effects: [] };
    case "revoke":
      return { result: { kind: "lease" }, effects: endOfLease(contents, request.lease) };
    case "txn": {
      const succeeded = request.compare.every((comparison) => holds(contents, comparison));
      const steps = succeeded ? request.success : request.failure;
      const { results, effects } = executeSteps(contents, steps, stamp);
      return { result: { kind: "txn", succeeded, results }, effects };
    }
    default: {
      const { results, effects } = executeSteps(contents, [request], stamp);
      return { result: results[0]!, effects };
    }
  }
}

/** What the end of a lease deletes, in the order of the keys. */
export function endOfLease(contents: Contents, lease: string): Effect[] {
  return [...contents.values()]
    .filter((version) => version.lease === lease)
    .map(({ key }) => ({ key }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Carries `effects` out. */
export function applyEffects(contents: Map<string, Version>, effects: readonly Effect[], stamp: Stamp): void {
  for (const effect of effects) {
    const { key, value } = effect;
    if (value === undefined) contents.delete(key);
    else contents.set(key, stamp({ ...effect, value }, contents.get(key)));
  }
}

function executeSteps(
  before: Contents,
  steps: readonly TxnStep[],
  stamp: Stamp,
): { readonly results: readonly StepResult[]; readonly effects: readonly Effect[] } {
  const effects: Effect[] = [];
  // Later steps see what earlier ones did; most requests have one step and need no copy.
  const contents = steps.length > 1 ? new Map(before) : before;
  const results = steps.map((step): StepResult => {
    if (step.kind === "range") return { kind: "range", kvs: within(contents, step) };
    const own: Effect[] =
      step.kind === "put" ? [effectOf(step)] : within(contents, step).map(({ key }) => ({ key }));
    effects.push(...own);
    if (steps.length > 1) applyEffects(contents as Map<string, Version>, own, stamp);
    return step.kind === "put" ? { kind: "put" } : { kind: "delete", deleted: own.length };
  });
  return { results, effects };
}

function effectOf({ key, value, lease }: Extract<TxnStep, { kind: "put" }>): Effect {
  return { key, value, ...(lease === undefined ? {} : { lease }) };
}

/** In the order of the keys. */
function within(contents: Contents, span: KeySpan): Version[] {
  if (span.rangeEnd === undefined) {
    const one = contents.get(span.key);
    return one === undefined ? [] : [one];
  }
  return [...contents.values()]
    .filter(({ key }) => spanContains(span, key))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

function holds(contents: Contents, comparison: Comparison): boolean {
  const found = contents.get(comparison.key);
  switch (comparison.target) {
    case "value":
      return found?.value === comparison.equals;
    case "mod":
      return (found?.modRevision ?? 0) === comparison.equals;
    case "create":
      return (found?.createRevision ?? 0) === comparison.equals;
    case "version":
      return (found?.version ?? 0) === comparison.equals;
  }
}

export type SameVersion = (a: Version, b: Version) => boolean;

export const sameInAll: SameVersion = (a, b) =>
  a.value === b.value &&
  a.modRevision === b.modRevision &&
  a.createRevision === b.createRevision &&
  a.version === b.version &&
  a.lease === b.lease;

/** Whether two answers say the same, where `same` compares two versions of one key. */
export function sameResult(a: StoreResult, b: StoreResult, same: SameVersion): boolean {
  switch (a.kind) {
    case "range":
      return (
        b.kind === "range" &&
        a.kvs.length === b.kvs.length &&
        a.kvs.every((version, at) => version.key === b.kvs[at]!.key && same(version, b.kvs[at]!))
      );
    case "delete":
      return b.kind === "delete" && a.deleted === b.deleted;
    case "txn":
      return (
        b.kind === "txn" &&
        a.succeeded === b.succeeded &&
        a.results.length === b.results.length &&
        a.results.every((result, at) => sameResult(result, b.results[at]!, same))
      );
    default:
      return a.kind === b.kind;
  }
}
