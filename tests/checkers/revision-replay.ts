import {
  hasChanged,
  isOk,
  isSerializable,
  mayChange,
  stepsOf,
  telling,
  type Change,
  type OkOperation,
  type Operation,
  type Version,
} from "./history";
import {
  applyEffects,
  endOfLease,
  execute,
  sameInAll,
  sameResult,
  stampedAt,
  type Effect,
} from "./naive-contents";
import { checkRealTime, type Placed } from "./real-time";
import { NotCheckedError, violated } from "./violation";

/** What a fresh store stands at. */
const FIRST_REVISION = 1;

export interface ReplayOptions {
  /** Whether a key is somebody else's: revisions in which nothing but such keys changed need not be explained. */
  readonly isForeign?: (key: string) => boolean;
}

/**
 * Checks that `operations` are linearizable in the order that the revisions claim ("checker A"), by replaying `log` through a
 * naive store, in time about linear:
 *
 * - every revision was made by one operation that was acknowledged for it or is of unknown outcome, or by the end of a lease;
 *   nothing that was refused is there, nothing twice, and nothing acknowledged is missing;
 * - every answer is, as a whole, what the store says at that point;
 * - nothing stands behind an operation that had returned before it was called, serializable reads apart.
 *
 * @param log All changes since the first, from a member. It says what became of writes whose outcome is unknown.
 * @throws {HistoryViolation}
 */
export function checkRevisions(
  operations: readonly Operation[],
  log: readonly Change[],
  options: ReplayOptions = {},
): void {
  new RevisionReplay(operations, log, options).run();
}

/**
 * The same without a log, which is then what the acknowledged writes add up to: for histories in which nothing is unknown and
 * no lease ends by itself.
 *
 * @throws {HistoryViolation}
 * @throws {NotCheckedError} The outcome of a write is unknown.
 */
export function checkRevisionsWithoutLog(operations: readonly Operation[]): void {
  if (telling(operations).some(({ outcome }) => outcome.kind === "unknown"))
    throw new NotCheckedError("what became of unknown writes is told by a log only");
  const contents = new Map<string, Version>();
  const log: Change[] = [];
  const writes = operations.filter(isOk).filter(({ outcome }) => hasChanged(outcome.result));
  for (const { request, outcome } of writes.sort((a, b) => a.outcome.revision - b.outcome.revision)) {
    const stamp = stampedAt(outcome.revision);
    const { effects } = execute(contents, request, stamp);
    applyEffects(contents, effects, stamp);
    for (const effect of effects) log.push({ revision: outcome.revision, ...effect });
  }
  checkRevisions(operations, log);
}

class RevisionReplay {
  readonly #contents = new Map<string, Version>();
  readonly #revisions: ReadonlyMap<number, readonly Change[]>;
  readonly #last: number;
  /** By the revision they name: those that made it, and those that only saw it. */
  readonly #makers: ReadonlyMap<number, readonly OkOperation[]>;
  readonly #seers: ReadonlyMap<number, readonly OkOperation[]>;
  /** By what they put. */
  readonly #writers: ReadonlyMap<string, Operation>;
  readonly #unknown: Set<Operation>;
  readonly #placed: Placed[] = [];

  constructor(
    operations: readonly Operation[],
    log: readonly Change[],
    private readonly options: ReplayOptions,
  ) {
    this.#revisions = byRevision(log);
    this.#last = log.at(-1)?.revision ?? FIRST_REVISION;
    const told = telling(operations);
    const answered = told.filter(isOk);
    const changed = (operation: OkOperation): boolean => hasChanged(operation.outcome.result);
    this.#makers = Map.groupBy(answered.filter(changed), ({ outcome }) => outcome.revision);
    this.#seers = Map.groupBy(
      answered.filter((operation) => !changed(operation)),
      ({ outcome }) => outcome.revision,
    );
    this.#writers = writersOf([...told, ...operations.filter(({ outcome }) => outcome.kind === "refused")]);
    // Of those that could have made a revision the one that was called first is bound least by real time.
    const unknown = told.filter(({ outcome }) => outcome.kind === "unknown");
    this.#unknown = new Set(unknown.sort((a, b) => a.calledAt - b.calledAt));
  }

  run(): void {
    for (const operation of [...this.#makers.values(), ...this.#seers.values()].flat()) {
      const { revision } = operation.outcome;
      const least = hasChanged(operation.outcome.result) ? FIRST_REVISION + 1 : FIRST_REVISION;
      if (revision > this.#last || revision < least)
        violated("an answer names a revision that the store never came to", { operation, last: this.#last });
    }
    for (let revision = FIRST_REVISION; revision <= this.#last; revision += 1) {
      if (revision > FIRST_REVISION) this.#make(revision);
      for (const seer of this.#seers.get(revision) ?? []) this.#see(seer);
    }
    checkRealTime(this.#placed);
  }

  #make(revision: number): void {
    const changes = this.#revisions.get(revision) ?? [];
    const makers = this.#makers.get(revision) ?? [];
    if (makers.length > 1) violated("one revision was acknowledged to two writes", { revision, makers });
    const [maker] = makers;
    if (maker !== undefined) this.#answered(maker, changes);
    else this.#unanswered(revision, changes);
    const stamp = stampedAt(revision);
    applyEffects(this.#contents, changes, stamp);
  }

  /** An acknowledged write did to the store what it does by the book, and was answered accordingly. */
  #answered(operation: OkOperation, changes: readonly Change[]): void {
    const { request, outcome } = operation;
    const { result, effects } = execute(this.#contents, request, stampedAt(outcome.revision));
    if (!sameEffects(effects, changes)) {
      const elsewhere = this.#revisionOf(operation);
      if (elsewhere !== undefined && elsewhere !== outcome.revision)
        violated("a write took effect at another revision than was acknowledged", { operation, elsewhere });
      violated("an acknowledged write is missing", { operation, changes, expected: effects });
    }
    if (!sameResult(result, outcome.result, sameInAll))
      violated("a write was answered as the state it met does not allow", { operation, expected: result });
    this.#placed.push({ operation, revision: outcome.revision, isChange: true });
  }

  /** A revision that was acknowledged to nobody. */
  #unanswered(revision: number, changes: readonly Change[]): void {
    const put = changes.find(({ value }) => value !== undefined);
    if (put === undefined && this.#isEndOfLease(changes)) return;
    const { isForeign } = this.options;
    if (isForeign !== undefined && changes.every(({ key }) => isForeign(key))) return;
    const stamp = stampedAt(revision);
    const fits = (operation: Operation): boolean =>
      this.#unknown.has(operation) &&
      sameEffects(execute(this.#contents, operation.request, stamp).effects, changes);
    const maker =
      put === undefined ? [...this.#unknown].find(fits) : this.#writers.get(writerKey(put.key, put.value!));
    if (maker === undefined) violated("a revision holds what nobody wrote there", { revision, changes });
    if (maker.outcome.kind === "refused")
      violated("a write that was refused took effect", { revision, maker });
    if (maker.outcome.kind === "ok")
      violated("a write took effect at another revision than was acknowledged", { revision, maker });
    if (!this.#unknown.has(maker)) violated("a write took effect twice", { revision, maker });
    if (!fits(maker))
      violated("a write took effect in part, or where its conditions fail", { revision, maker, changes });
    this.#unknown.delete(maker);
    this.#placed.push({ operation: maker, revision, isChange: true });
  }

  #see(operation: OkOperation): void {
    const { request, outcome } = operation;
    const { result, effects } = execute(this.#contents, request, stampedAt(outcome.revision + 1));
    if (effects.length > 0)
      violated("a write that had something to change says that it changed nothing", { operation, effects });
    if (!sameResult(result, outcome.result, sameInAll))
      violated("a read does not show the state at its revision", { operation, expected: result });
    if (isSerializable(operation)) return;
    this.#placed.push({ operation, revision: outcome.revision, isChange: false });
  }

  #isEndOfLease(changes: readonly Change[]): boolean {
    const lease = this.#contents.get(changes[0]!.key)?.lease;
    return lease !== undefined && sameEffects(endOfLease(this.#contents, lease), changes);
  }

  /** Where a write that puts something is in the log. */
  #revisionOf({ request }: Operation): number | undefined {
    const puts = stepsOf(request).filter((step) => step.kind === "put");
    for (const [revision, changes] of this.#revisions) {
      if (changes.some(({ key, value }) => puts.some((put) => put.key === key && put.value === value)))
        return revision;
    }
    return undefined;
  }
}

function byRevision(log: readonly Change[]): Map<number, Change[]> {
  let last = FIRST_REVISION;
  for (const change of log) {
    if (change.revision !== last && change.revision !== last + 1)
      violated(`revision ${change.revision} follows ${last}`, change);
    last = change.revision;
  }
  return Map.groupBy(log, ({ revision }) => revision);
}

/**
 * Who put what. Without this, which of two equal writes took effect could only be guessed.
 *
 * @throws {TypeError} Two requests would write the same.
 */
function writersOf(operations: readonly Operation[]): Map<string, Operation> {
  const writers = new Map<string, Operation>();
  for (const operation of operations) {
    if (!mayChange(operation.request)) continue;
    for (const step of stepsOf(operation.request)) {
      if (step.kind !== "put") continue;
      const key = writerKey(step.key, step.value);
      if (writers.has(key)) throw new TypeError(`Cannot check a history in which two puts write ${key}`);
      writers.set(key, operation);
    }
  }
  return writers;
}

function writerKey(key: string, value: string): string {
  return JSON.stringify([key, value]);
}

function sameEffects(effects: readonly Effect[], changes: readonly Effect[]): boolean {
  return (
    effects.length === changes.length &&
    effects.every(({ key, value, lease }, at) => {
      const change = changes[at]!;
      return key === change.key && value === change.value && lease === change.lease;
    })
  );
}
