import { assertNever, invariant } from "@quorate/base";
import { checkPutOfTxn, checkRangeOfTxn, type LeaseTable, type StoreRevisions } from "./checks";
import { holds } from "./compare";
import type { MvccError } from "./errors";
import { range } from "./range";
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  KeyRange,
  PutRequest,
  PutResponse,
  RequestOp,
  ResponseOp,
  Revision,
  TxnRequest,
  TxnResponse,
} from "./types";
import type { ReadView } from "./view";

/** What the operations of a transaction run on. */
export interface TxnStore {
  readonly view: ReadView;
  /** What a read sees at this point: one more than before the transaction once something has changed. */
  readonly visibleRevision: Revision;
  put(request: PutRequest): PutResponse;
  deleteRange(request: DeleteRangeRequest): DeleteRangeResponse;
}

/**
 * The branches that a transaction takes: one flag for it, then those of the nested transactions of the taken branch, in
 * order, depth first. All compares see the state before the transaction.
 */
export type TxnPath = readonly boolean[];

export function choosePath(view: ReadView, txn: TxnRequest, current: Revision): TxnPath {
  const path: boolean[] = [];
  extendPath(view, txn, current, path);
  return path;
}

function extendPath(view: ReadView, txn: TxnRequest, current: Revision, path: boolean[]): void {
  const succeeded = txn.compare.every((compare) => holds(view, compare, current));
  path.push(succeeded);
  for (const op of succeeded ? txn.success : txn.failure) {
    if (op.kind === "txn") extendPath(view, op.request, current, path);
  }
}

/**
 * Why the transaction cannot run along `path`, if so. After this nothing can fail: it all happens or nothing does. As in
 * etcd all puts are looked at before any range, wherever they stand, which decides what a transaction with two faults is
 * told.
 */
export function checkTxn(
  view: ReadView,
  txn: TxnRequest,
  path: TxnPath,
  at: StoreRevisions,
  leases: LeaseTable,
): MvccError | undefined {
  const check = new PathCheck(view, path, at, leases);
  return check.puts(txn) ?? check.ranges(txn);
}

class PathCheck {
  readonly #view: ReadView;
  readonly #path: TxnPath;
  readonly #at: StoreRevisions;
  readonly #leases: LeaseTable;
  readonly #deleted: KeyRange[] = [];
  #step = 0;

  constructor(view: ReadView, path: TxnPath, at: StoreRevisions, leases: LeaseTable) {
    this.#view = view;
    this.#path = path;
    this.#at = at;
    this.#leases = leases;
  }

  puts(txn: TxnRequest): MvccError | undefined {
    return this.#first(txn, (op) => this.#checkPut(op));
  }

  ranges(txn: TxnRequest): MvccError | undefined {
    return this.#first(txn, (op) =>
      op.kind === "range" ? checkRangeOfTxn(op.request, this.#at) : undefined,
    );
  }

  #first(txn: TxnRequest, check: (op: RequestOp) => MvccError | undefined): MvccError | undefined {
    this.#step = 0;
    return this.#firstOnPath(txn, check);
  }

  #firstOnPath(txn: TxnRequest, check: (op: RequestOp) => MvccError | undefined): MvccError | undefined {
    for (const op of takenBranch(txn, this.#path, this.#step++)) {
      const error = op.kind === "txn" ? this.#firstOnPath(op.request, check) : check(op);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  #checkPut(op: RequestOp): MvccError | undefined {
    switch (op.kind) {
      case "put":
        return checkPutOfTxn(this.#view, op.request, this.#leases, this.#deleted);
      case "delete-range":
        this.#deleted.push(op.request);
        return undefined;
      case "none": // refused by validation with this very error; a log entry must not be able to crash a member
        return { code: "key-not-found" };
      default:
        return undefined;
    }
  }
}

/** Runs a checked transaction along `path`. Each operation sees what earlier ones did. */
export function runTxn(store: TxnStore, txn: TxnRequest, path: TxnPath): TxnResponse {
  const run = new PathRun(store, path);
  const response = run.run(txn);
  // The header of the outermost response tells where the store is afterwards; those of nested ones are empty.
  return { ...response, revision: store.visibleRevision };
}

class PathRun {
  readonly #store: TxnStore;
  readonly #path: TxnPath;
  #step = 0;

  constructor(store: TxnStore, path: TxnPath) {
    this.#store = store;
    this.#path = path;
  }

  run(txn: TxnRequest): TxnResponse {
    const step = this.#step++;
    const responses: ResponseOp[] = [];
    for (const op of takenBranch(txn, this.#path, step)) responses.push(this.#runOp(op));
    return { revision: 0 as Revision, succeeded: this.#path[step] === true, responses };
  }

  #runOp(op: RequestOp): ResponseOp {
    const store = this.#store;
    switch (op.kind) {
      case "range":
        return { kind: "range", response: range(store.view, op.request, store.visibleRevision) };
      case "put":
        return { kind: "put", response: store.put(op.request) };
      case "delete-range":
        return { kind: "delete-range", response: store.deleteRange(op.request) };
      case "txn":
        return { kind: "txn", response: this.run(op.request) };
      case "none":
        return invariant(false, "a transaction runs after its checks") as never;
      default:
        return assertNever(op);
    }
  }
}

function takenBranch(txn: TxnRequest, path: TxnPath, step: number): readonly RequestOp[] {
  const succeeded = path[step];
  invariant(succeeded !== undefined, "a path has a flag for every transaction on it", {
    step,
    steps: path.length,
  });
  return succeeded ? txn.success : txn.failure;
}
