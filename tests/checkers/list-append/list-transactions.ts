import { carriedOut, isOk, mayChange, stepsOf, type Operation, type TxnStep } from "../history";

/** A list as it was at some moment: the value of a key, elements joined by commas. */
export interface ListVersion {
  readonly key: string;
  /** 0: the key was absent, and the list empty. */
  readonly modRevision: number;
  readonly elements: readonly string[];
}

/** A transaction on lists: what it read, and then appended. */
export interface ListTransaction {
  /** Its place in the history, for reports. */
  readonly name: string;
  readonly operation: Operation;
  /** Aborted: certain to have had no effect. */
  readonly status: "committed" | "unknown" | "aborted";
  readonly reads: readonly ListVersion[];
  /** The lists that it wrote, of committed ones with the revision they got; the new elements stand last. */
  readonly writes: readonly (ListVersion & { readonly appended: readonly string[] })[];
}

/** The value of a list. An element is named `transaction.number`: what one transaction appends shares the first part. */
export function listText(elements: readonly string[]): string {
  return elements.join(",");
}

export function elementsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(",");
}

/**
 * Reads list transactions out of a history. A transaction reads keys, one at a time, and puts longer lists on condition that it
 * read the newest ones; if not it only reads.
 */
export function listTransactions(operations: readonly Operation[]): ListTransaction[] {
  return operations.flatMap((operation, at): ListTransaction[] => {
    const { request } = operation;
    if (request.kind !== "txn" && request.kind !== "range") return [];
    const name = `T${at}`;
    if (!isOk(operation)) {
      if (!mayChange(request)) return [];
      const status = operation.outcome.kind === "unknown" ? "unknown" : "aborted";
      return [{ name, operation, status, reads: [], writes: writesOf(stepsOf(request), 0) }];
    }
    const ran = carriedOut(operation);
    const reads = ran.flatMap(([step, result]): ListVersion[] => {
      if (step.kind !== "range" || result.kind !== "range") return [];
      if (result.kvs.length === 0) return [{ key: step.key, modRevision: 0, elements: [] }];
      return result.kvs.map(({ key, value, modRevision }) => ({
        key,
        modRevision,
        elements: elementsOf(value),
      }));
    });
    const steps = ran.map(([step]) => step);
    return [
      { name, operation, status: "committed", reads, writes: writesOf(steps, operation.outcome.revision) },
    ];
  });
}

function writesOf(steps: readonly TxnStep[], modRevision: number): ListTransaction["writes"] {
  return steps.flatMap((step) => {
    if (step.kind !== "put") return [];
    const elements = elementsOf(step.value);
    const author = authorOf(elements.at(-1) ?? "");
    const from = elements.findLastIndex((element) => authorOf(element) !== author) + 1;
    return [{ key: step.key, modRevision, elements, appended: elements.slice(from) }];
  });
}

function authorOf(element: string): string {
  return element.slice(0, element.lastIndexOf("."));
}
