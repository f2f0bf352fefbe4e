import { etcdserverpb, wireId } from "@quorate/wire";
import { bytesOf, exactly, type Bytes, type KeyRange } from "./key-range";
import {
  deleteRangeRequest,
  keysOf,
  putRequest,
  rangeRequest,
  type DeleteOptions,
  type PutOptions,
  type RangeOptions,
} from "./requests";

export type CompareOperator = "=" | "!=" | "<" | ">";

/**
 * A condition on a key as it was before the transaction. A key that does not exist has version, revisions and lease 0, and
 * fails every comparison of its value.
 */
export interface Condition {
  readonly message: etcdserverpb.Compare.$Properties;
}

/** One step of a transaction. */
export interface Operation {
  readonly message: etcdserverpb.RequestOp.$Properties;
  readonly writes: boolean;
}

/** A whole transaction, as a step of another one or to be run by `commit`. */
export interface TransactionPlan {
  readonly conditions: readonly Condition[];
  readonly then: readonly Operation[];
  readonly otherwise: readonly Operation[];
}

const { CompareResult, CompareTarget } = etcdserverpb.Compare;

const OPERATORS = {
  "=": CompareResult.EQUAL,
  "!=": CompareResult.NOT_EQUAL,
  "<": CompareResult.LESS,
  ">": CompareResult.GREATER,
} satisfies Record<CompareOperator, number>;

/** Conditions: `compare.modRevision("key", "=", 7)`. A range instead of a key asks it of every key in the range. */
export const compare = {
  version: (keys: Bytes | KeyRange, operator: CompareOperator, version: number): Condition =>
    condition(keys, operator, { target: CompareTarget.VERSION, version }),
  createRevision: (keys: Bytes | KeyRange, operator: CompareOperator, revision: number): Condition =>
    condition(keys, operator, { target: CompareTarget.CREATE, createRevision: revision }),
  modRevision: (keys: Bytes | KeyRange, operator: CompareOperator, revision: number): Condition =>
    condition(keys, operator, { target: CompareTarget.MOD, modRevision: revision }),
  value: (keys: Bytes | KeyRange, operator: CompareOperator, value: Bytes): Condition =>
    condition(keys, operator, { target: CompareTarget.VALUE, value: bytesOf(value) }),
  lease: (keys: Bytes | KeyRange, operator: CompareOperator, lease: bigint): Condition =>
    condition(keys, operator, { target: CompareTarget.LEASE, lease: wireId(lease) }),
  exists: (key: Bytes): Condition => compare.createRevision(key, ">", 0),
  missing: (key: Bytes): Condition => compare.createRevision(key, "=", 0),
} as const;

/** Steps: `operation.put("key", "value")`. */
export const operation = {
  put: (key: Bytes, value: Bytes, options: PutOptions = {}): Operation => ({
    message: { requestPut: putRequest(key, value, options) },
    writes: true,
  }),
  get: (key: Bytes, options: RangeOptions = {}): Operation => operation.range(exactly(key), options),
  range: (range: KeyRange, options: RangeOptions = {}): Operation => ({
    message: { requestRange: rangeRequest(range, options) },
    writes: false,
  }),
  delete: (key: Bytes, options: DeleteOptions = {}): Operation =>
    operation.deleteRange(exactly(key), options),
  deleteRange: (range: KeyRange, options: DeleteOptions = {}): Operation => ({
    message: { requestDeleteRange: deleteRangeRequest(range, options) },
    writes: true,
  }),
  txn: (plan: TransactionPlan): Operation => ({
    message: { requestTxn: transactionRequest(plan) },
    // A nested transaction goes through the log even if it only reads.
    writes: true,
  }),
} as const;

/**
 * Collects a transaction: if all conditions hold the "then" operations run, else the "else" operations, all of them at one
 * revision or none.
 *
 * `commit` is what runs it: `client.txn().if(compare.missing("k")).then(operation.put("k", "v")).commit()`.
 */
export class TransactionBuilder<Options, Result> {
  readonly #commit: (plan: TransactionPlan, options: Options | undefined) => Promise<Result>;
  readonly #plan: TransactionPlan;

  constructor(
    commit: (plan: TransactionPlan, options: Options | undefined) => Promise<Result>,
    plan: TransactionPlan = { conditions: [], then: [], otherwise: [] },
  ) {
    this.#commit = commit;
    this.#plan = plan;
  }

  if(...conditions: readonly Condition[]): TransactionBuilder<Options, Result> {
    return this.#with({ conditions: [...this.#plan.conditions, ...conditions] });
  }

  /**
   * Not a promise's `then`: the compiler refuses to `await` a builder, and untyped code that does is told.
   *
   * @throws {TypeError} Called with functions, as `await` does.
   */
  then(...operations: readonly Operation[]): TransactionBuilder<Options, Result> {
    if (operations.some((step) => typeof step === "function")) {
      throw new TypeError("Cannot await a transaction that was not committed: call commit() and await that");
    }
    return this.#with({ then: [...this.#plan.then, ...operations] });
  }

  else(...operations: readonly Operation[]): TransactionBuilder<Options, Result> {
    return this.#with({ otherwise: [...this.#plan.otherwise, ...operations] });
  }

  get plan(): TransactionPlan {
    return this.#plan;
  }

  commit(options?: Options): Promise<Result> {
    return this.#commit(this.#plan, options);
  }

  #with(change: Partial<TransactionPlan>): TransactionBuilder<Options, Result> {
    return new TransactionBuilder(this.#commit, { ...this.#plan, ...change });
  }
}

export function transactionRequest(plan: TransactionPlan): etcdserverpb.TxnRequest.$Properties {
  return {
    compare: plan.conditions.map(({ message }) => message),
    success: plan.then.map(({ message }) => message),
    failure: plan.otherwise.map(({ message }) => message),
  };
}

function condition(
  keys: Bytes | KeyRange,
  operator: CompareOperator,
  target: etcdserverpb.Compare.$Properties,
): Condition {
  const range = typeof keys === "string" || keys instanceof Uint8Array ? exactly(keys) : keys;
  return { message: { ...keysOf(range), result: OPERATORS[operator], ...target } };
}

/** A transaction that can change nothing may be sent again. */
export function writes(plan: TransactionPlan): boolean {
  return [...plan.then, ...plan.otherwise].some((step) => step.writes);
}
