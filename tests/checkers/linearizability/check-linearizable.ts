import { isSerializable, mayChange, stepsOf, telling, type Operation, type StoreRequest } from "../history";
import { execute, type Stamp } from "../naive-contents";
import { contentsText, operationText, resultText } from "../operation-text";
import { HistoryViolation, NotCheckedError } from "../violation";
import type { SearchEntry } from "./history-search";
import { EMPTY_STATE, KeyValueModel } from "./key-value-model";
import { partitions } from "./partition";
import { PiecewiseSearch, SearchLimitError, type Furthest } from "./piecewise-search";
import { VersionIdentities } from "./version-identities";
import type { KeyValueState } from "./key-value-model";

/** Beyond any of these a history counts as not checked. */
export interface SearchLimits {
  readonly clientsMax: number;
  /** Of one piece: a partition is cut where nothing is under way. */
  readonly operationsMax: number;
  readonly timeMsMax: number;
  /** Operations that are tried, a microsecond or some each: a limit that no busy machine moves. */
  readonly stepsMax: number;
  /** Of what is remembered about states that were tried, as estimated. */
  readonly bytesMax: number;
}

export const SEARCH_LIMITS: SearchLimits = {
  clientsMax: 16,
  operationsMax: 4000,
  timeMsMax: 60_000,
  stepsMax: Infinity,
  bytesMax: 2 * 1024 ** 3,
};

/** The end of a lease by time: it may come at any time from then on, or never. */
export interface LeaseExpiry {
  readonly lease: string;
  /** The TTL after the last acknowledged grant or renewal was called. */
  readonly notBefore: number;
}

export interface LinearizabilityFacts {
  readonly partitions: number;
  readonly operations: number;
  readonly steps: number;
}

/**
 * Checks that one order of all operations explains every answer and agrees with real time ("checker B"), without trusting
 * revisions to be that order. Serializable reads are left out.
 *
 * @param expiries Needed of every lease with keys that were read or written after its time.
 * @throws {HistoryViolation} There is none: the message shows the longest order that was found, and what cannot come next.
 * @throws {NotCheckedError} The history is beyond `limits`, or compares what cannot be judged by values.
 */
export function checkLinearizable(
  operations: readonly Operation[],
  expiries: readonly LeaseExpiry[] = [],
  limits: SearchLimits = SEARCH_LIMITS,
): LinearizabilityFacts {
  const told = telling(operations).filter((operation) => !isSerializable(operation));
  const identities = new VersionIdentities(told);
  const ends = expiries.map(({ lease, notBefore }): Operation => ({
    client: NOBODY,
    calledAt: notBefore,
    returnedAt: Infinity,
    request: { kind: "revoke", lease },
    outcome: { kind: "unknown", code: "expiry" },
  }));
  const granted = told.flatMap(({ request }) => (request.kind === "grant" ? [request.lease] : []));
  const model = new KeyValueModel(identities, new Set(granted));
  const parts = partitions([...told.map((operation) => nameless(operation, identities)), ...ends]);
  const deadline = performance.now() + limits.timeMsMax;
  let steps = 0;
  let bytes = 0;
  for (const part of parts) {
    checkJudgeable(part, identities, limits);
    const onStep = (bytesKept: number): void => {
      steps += 1;
      bytes += bytesKept;
      if (steps > limits.stepsMax) throw new SearchLimitError(`${limits.stepsMax} steps`);
      if (bytes > limits.bytesMax) throw new SearchLimitError(`${limits.bytesMax} bytes of tried states`);
      // The clock is asked seldom: a step takes a microsecond.
      if ((steps & 1023) === 0 && performance.now() > deadline)
        throw new SearchLimitError(`${limits.timeMsMax} ms`);
    };
    const entries = part.map((operation) => entryOf(operation, identities));
    const search = new PiecewiseSearch(entries, EMPTY_STATE, model, { ...limits, onStep });
    try {
      const furthest = search.run();
      if (furthest !== undefined) throw new HistoryViolation(report(part, furthest));
    } catch (error) {
      if (!(error instanceof SearchLimitError)) throw error;
      throw new NotCheckedError(
        `the search of ${part.length} operations came to its limit: ${error.message}`,
      );
    }
    bytes = 0;
  }
  return { partitions: parts.length, operations: told.length, steps };
}

/** Of who lets leases expire. */
const NOBODY = -1;
const LAST_SHOWN = 8;

function entryOf(operation: Operation, identities: VersionIdentities): SearchEntry<Operation> {
  const { calledAt, returnedAt, outcome, request } = operation;
  const isUnknown = outcome.kind === "unknown";
  const seen = stepsOf(request).map((step) =>
    step.kind === "put" ? identities.observedAt(step.key, step.value) : Infinity,
  );
  return {
    operation,
    calledAt,
    returnedAt: isUnknown ? undefined : returnedAt,
    sameAs: isUnknown ? JSON.stringify(request) : "",
    observedAt: Math.min(Infinity, ...seen),
  };
}

/**
 * An unknown write with the values that nobody ever saw made equal. It may still matter, as it may hide or delete something; but
 * such writes are then alike, and the search need not tell them apart.
 */
function nameless(operation: Operation, identities: VersionIdentities): Operation {
  const { request, outcome } = operation;
  if (outcome.kind !== "unknown" || !mayChange(request)) return operation;
  const unseen = <Step extends { readonly kind: string }>(step: Step): Step => {
    const put = step as unknown as { readonly kind: string; readonly key: string; readonly value: string };
    if (put.kind !== "put" || identities.observedAt(put.key, put.value) !== Infinity) return step;
    return { ...step, value: "(never seen)" };
  };
  const renamed: StoreRequest =
    request.kind === "txn"
      ? { ...request, success: request.success.map(unseen), failure: request.failure.map(unseen) }
      : unseen(request);
  return { ...operation, request: renamed };
}

function checkJudgeable(
  operations: readonly Operation[],
  identities: VersionIdentities,
  { clientsMax }: SearchLimits,
): void {
  const clients = new Set(operations.map(({ client }) => client)).size;
  if (clients > clientsMax)
    throw new NotCheckedError(`${clients} clients on common keys, the limit is ${clientsMax}`);
  for (const { request } of operations) {
    for (const comparison of request.kind === "txn" ? request.compare : []) {
      const { target, key, equals } = comparison;
      if (target === "value" || equals === 0 || (target === "mod" && identities.knows(key, equals))) continue;
      throw new NotCheckedError(
        `${target} ${equals} of ${key} is compared, and no answer tells which value that is`,
      );
    }
  }
}

function report(part: readonly Operation[], furthest: Furthest<Operation, KeyValueState>): string {
  const { order, state, blocked } = furthest;
  const stamp: Stamp = ({ key, value }) => ({ key, value, createRevision: 0, modRevision: 0, version: 0 });
  const expected = execute(state.contents, blocked.request, stamp).result;
  return [
    "no order of the operations explains what was answered.",
    `The longest one found has ${order.length} of ${part.length} operations and ends with`,
    ...order.slice(-LAST_SHOWN).map((operation) => `  ${operationText(operation)}`),
    `which leaves ${contentsText(state.contents.values())}. Nothing that can come next allows`,
    `  ${operationText(blocked)}`,
    `which would be answered there: ${resultText(expected)}`,
  ].join("\n");
}
