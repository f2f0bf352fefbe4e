/*
 * What clients did, what they were told, and what the store says has happened: the input of every checker.
 *
 * Keys and values are strings with one character per byte (`binaryString`), so that they sort as the store sorts them. All
 * times are of one monotonic clock, in milliseconds. Everything here can be written to a file and read back.
 */

/** One key, or those from `key` to before `rangeEnd`; an end of one zero character stands for everything from `key` on. */
export interface KeySpan {
  readonly key: string;
  readonly rangeEnd?: string;
}

export interface RangeStep extends KeySpan {
  readonly kind: "range";
}

export interface PutStep {
  readonly kind: "put";
  readonly key: string;
  /** No other put of the history writes the same to this key: that tells versions, and their writers, apart. */
  readonly value: string;
  /** Hexadecimal. */
  readonly lease?: string;
}

export interface DeleteStep extends KeySpan {
  readonly kind: "delete";
}

export type TxnStep = RangeStep | PutStep | DeleteStep;

/** That a key is as it was seen: `value` of a key that is absent holds for nothing, the others are 0 there. */
export type Comparison =
  | { readonly target: "mod" | "create" | "version"; readonly key: string; readonly equals: number }
  | { readonly target: "value"; readonly key: string; readonly equals: string };

export interface TxnRequest {
  readonly kind: "txn";
  readonly compare: readonly Comparison[];
  readonly success: readonly TxnStep[];
  readonly failure: readonly TxnStep[];
}

export type StoreRequest =
  /** Serializable: of one member's state, which may be stale. */
  | (RangeStep & { readonly serializable?: true })
  | PutStep
  | DeleteStep
  | TxnRequest
  | { readonly kind: "grant"; readonly lease: string; readonly ttlMs: number }
  | { readonly kind: "revoke"; readonly lease: string };

/** One version of a key, as a client read it. */
export interface Version {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease?: string;
}

export type StepResult =
  | { readonly kind: "range"; readonly kvs: readonly Version[] }
  | { readonly kind: "put" }
  | { readonly kind: "delete"; readonly deleted: number };

export type StoreResult =
  | StepResult
  | { readonly kind: "txn"; readonly succeeded: boolean; readonly results: readonly StepResult[] }
  /** Of granting and revoking. */
  | { readonly kind: "lease" };

export type Outcome =
  /** It may have taken effect at any time since the call, or never. */
  | { readonly kind: "unknown"; readonly code: string }
  /** Certain: it had no effect and never will. */
  | { readonly kind: "refused"; readonly code: string }
  | {
      readonly kind: "ok";
      /** Of a write that changed something, the revision it made; else the one it was answered at. */
      readonly revision: number;
      readonly result: StoreResult;
    };

/** One call of a client that has one call outstanding at a time. */
export interface Operation {
  readonly client: number;
  readonly calledAt: number;
  /** Infinity while there is no answer. Of an unknown outcome: when the client gave up, which says nothing of the effect. */
  returnedAt: number;
  readonly request: StoreRequest;
  outcome: Outcome;
}

export type OkOperation = Operation & { readonly outcome: Extract<Outcome, { kind: "ok" }> };

/** One change, as the store's own log of events has it. The changes of one revision stand in their order. */
export interface Change {
  readonly revision: number;
  readonly key: string;
  /** Absent: the key was deleted. */
  readonly value?: string;
  readonly lease?: string;
}

export function isOk(operation: Operation): operation is OkOperation {
  return operation.outcome.kind === "ok";
}

/** Whether `request` can change anything, so that not knowing its outcome matters. */
export function mayChange(request: StoreRequest): boolean {
  if (request.kind !== "txn") return request.kind !== "range";
  return [...request.success, ...request.failure].some(({ kind }) => kind !== "range");
}

/** Whether an answer says that the store changed, so that its revision was made by this very request. */
export function hasChanged(result: StoreResult): boolean {
  switch (result.kind) {
    case "put":
      return true;
    case "delete":
      return result.deleted > 0;
    case "txn":
      return result.results.some(hasChanged);
    default:
      return false;
  }
}

export function isSerializable({ request }: Operation): boolean {
  return request.kind === "range" && request.serializable === true;
}

/**
 * What of `operations` says anything about the store: what was refused had no effect, and a read that failed saw nothing.
 * A write of unknown outcome stays, and never returns.
 *
 * @throws {TypeError} An operation returned before it was called.
 */
export function telling(operations: readonly Operation[]): readonly Operation[] {
  return operations.flatMap((operation) => {
    // Not `<`: a time that is no number is no time.
    if (!(operation.calledAt <= operation.returnedAt))
      throw new TypeError(
        `Cannot check an operation that was called at ${operation.calledAt} and returned at ${operation.returnedAt}`,
      );
    if (isOk(operation)) return [operation];
    if (operation.outcome.kind === "refused" || !mayChange(operation.request)) return [];
    return [{ ...operation, returnedAt: Infinity }];
  });
}

/** The steps that a request can take, whichever way its conditions turn out. */
export function stepsOf(request: StoreRequest): readonly TxnStep[] {
  switch (request.kind) {
    case "txn":
      return [...request.success, ...request.failure];
    case "grant":
    case "revoke":
      return [];
    default:
      return [request];
  }
}

/** The steps of a request that ran, each with its result. */
export function carriedOut({ request, outcome }: OkOperation): readonly (readonly [TxnStep, StepResult])[] {
  const { result } = outcome;
  if (request.kind === "txn" && result.kind === "txn") {
    const steps = result.succeeded ? request.success : request.failure;
    return steps.map((step, at) => [step, result.results[at]!]);
  }
  if (result.kind === "txn" || result.kind === "lease") return [];
  return stepsOf(request).map((step) => [step, result]);
}

export function spanContains({ key, rangeEnd }: KeySpan, candidate: string): boolean {
  if (rangeEnd === undefined) return candidate === key;
  return candidate >= key && (rangeEnd === "\0" || candidate < rangeEnd);
}
