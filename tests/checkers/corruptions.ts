import { randomPick, type Prng } from "@quorate/base";

import { isOk, type OkOperation, type Operation, type StepResult, type Version } from "./history";
import { elementsOf, listText } from "./list-append/list-transactions";
import { answered, replaced, type RandomHistory } from "./random-history";

/** A history with one thing wrong that no store may do; `undefined` where there is no place for it. */
export type Corruption = (prng: Prng, history: RandomHistory) => readonly Operation[] | undefined;

type Get = OkOperation & { readonly request: { readonly kind: "range"; readonly key: string } };
type Put = OkOperation & {
  readonly request: { readonly kind: "put"; readonly key: string; readonly value: string };
};

/** What any checker must see. All are on single keys, of histories in which no two puts write the same. */
export const CORRUPTIONS: Readonly<Record<string, Corruption>> = {
  "a value that nobody wrote": (prng, { operations }) => {
    const read = pick(
      prng,
      gets(operations).filter((get) => foundBy(get) !== undefined),
    );
    if (read === undefined) return undefined;
    const kvs = [{ ...foundBy(read)!, value: "phantom" }];
    return replaced(operations, read, answered(read, { kind: "range", kvs }));
  },

  "a read of what had been overwritten before it was called": (prng, { operations }) => {
    const writes = puts(operations);
    const places = gets(operations).flatMap((read) => {
      const ofKey = writes.filter(({ request }) => request.key === read.request.key);
      const newer = ofKey.filter(({ returnedAt }) => returnedAt < read.calledAt);
      const older = ofKey.filter((one) => newer.some((other) => one.returnedAt < other.calledAt));
      return older.map((write) => ({ read, write }));
    });
    const place = pick(prng, places);
    if (place === undefined) return undefined;
    const { key, value } = place.write.request;
    const { revision } = place.write.outcome;
    const old: Version = { key, value, createRevision: revision, modRevision: revision, version: 1 };
    return replaced(operations, place.read, answered(place.read, { kind: "range", kvs: [old] }, revision));
  },

  "a write that is refused, and was read": (prng, { operations }) => {
    const seen = pick(prng, readPuts(operations));
    if (seen === undefined) return undefined;
    return replaced(operations, seen.write, { outcome: { kind: "refused", code: "no-space" } });
  },

  "a write that is called after it was read": (prng, { operations }) => {
    const seen = pick(prng, readPuts(operations));
    if (seen === undefined) return undefined;
    const calledAt = seen.read.returnedAt + 1;
    return replaced(operations, seen.write, { calledAt, returnedAt: calledAt + 1 });
  },

  "a read that finds nothing where nothing was ever deleted": (prng, { operations }) => {
    const places = gets(operations).filter(
      (read) =>
        !operations.some(({ request }) => mayDelete(request, read.request.key)) &&
        puts(operations).some(
          (put) => put.request.key === read.request.key && put.returnedAt < read.calledAt,
        ),
    );
    const read = pick(prng, places);
    return read && replaced(operations, read, answered(read, { kind: "range", kvs: [] }));
  },
};

/** What shows in revisions and counts, and so only to who looks at these. */
export const REVISION_CORRUPTIONS: Readonly<Record<string, Corruption>> = {
  "a write with the revision of another one": (prng, { operations }) => {
    const write = pick(prng, puts(operations));
    return write && replaced(operations, write, answered(write, { kind: "put" }, write.outcome.revision + 1));
  },
  "a version with a wrong count": (prng, { operations }) => {
    const read = pick(
      prng,
      gets(operations).filter((get) => foundBy(get) !== undefined),
    );
    if (read === undefined) return undefined;
    const found = foundBy(read)!;
    return replaced(
      operations,
      read,
      answered(read, { kind: "range", kvs: [{ ...found, version: found.version + 1 }] }),
    );
  },
  "a delete that counts wrongly": (prng, { operations }) => {
    const deletes = operations.filter(isOk).filter(({ request }) => request.kind === "delete");
    const one = pick(prng, deletes);
    if (one?.outcome.result.kind !== "delete") return undefined;
    return replaced(
      operations,
      one,
      answered(one, { kind: "delete", deleted: 1 - one.outcome.result.deleted }),
    );
  },
  "a guarded write that failed and claims to have succeeded": (prng, { operations }) => {
    const one = pick(
      prng,
      operations.filter(isOk).filter(({ outcome }) => isFailed(outcome.result)),
    );
    if (one === undefined || one.request.kind !== "txn") return undefined;
    const results = one.request.success.map((): StepResult => ({ kind: "put" }));
    return replaced(operations, one, answered(one, { kind: "txn", succeeded: true, results }));
  },
};

/** What the checker of lists must see. */
export const LIST_CORRUPTIONS: Readonly<Record<string, Corruption>> = {
  "a list without what had been acknowledged before": (prng, { operations }) =>
    changedList(prng, operations, (read, elements) => {
      const author = elements.at(-1)!.split(".")[0]!;
      const writer = operations
        .filter(isOk)
        .find(({ request }) => JSON.stringify(request).includes(`${author}.0"`));
      if (writer === undefined || writer.returnedAt >= read.calledAt) return undefined;
      return elements.filter((element) => element.split(".")[0] !== author);
    }),
  "a list in another order": (prng, { operations }) =>
    changedList(prng, operations, (_read, elements) =>
      elements.length < 3 ? undefined : elements.toReversed(),
    ),
  "an element that nobody appended": (prng, { operations }) =>
    changedList(prng, operations, (_read, elements) => [...elements, "phantom.0"]),
  "an element twice": (prng, { operations }) =>
    changedList(prng, operations, (_read, elements) => [...elements, elements[0]!]),
  "an append that is refused, and was read": (prng, { operations }) => {
    const text = JSON.stringify(operations.filter(isOk).map(({ outcome }) => outcome));
    const seen = operations.filter(
      ({ request, outcome }) =>
        outcome.kind === "ok" &&
        request.kind === "txn" &&
        request.success.some((step) => step.kind === "put" && text.includes(`"${step.value}"`)),
    );
    const one = pick(
      prng,
      seen.filter(({ outcome }) => !(outcome.kind === "ok" && isFailed(outcome.result))),
    );
    return one && replaced(operations, one, { outcome: { kind: "refused", code: "no-space" } });
  },
};

/** Replaces what some transaction read of one list, which was not empty. */
function changedList(
  prng: Prng,
  operations: readonly Operation[],
  change: (read: OkOperation, elements: readonly string[]) => readonly string[] | undefined,
): readonly Operation[] | undefined {
  const places = operations.filter(isOk).flatMap((read) => {
    const { result } = read.outcome;
    if (result.kind !== "txn") return [];
    return result.results.flatMap((step, at) => {
      const found = step.kind === "range" ? step.kvs[0] : undefined;
      const elements = found === undefined ? undefined : change(read, elementsOf(found.value));
      if (found === undefined || elements === undefined) return [];
      const kvs = elements.length === 0 ? [] : [{ ...found, value: listText(elements) }];
      const results = result.results.map((old, place): StepResult =>
        place === at ? { kind: "range", kvs } : old,
      );
      return [{ read, result: { ...result, results } }];
    });
  });
  const place = pick(prng, places);
  return place && replaced(operations, place.read, answered(place.read, place.result));
}

function gets(operations: readonly Operation[]): Get[] {
  return operations
    .filter(isOk)
    .filter(
      (operation): operation is Get =>
        operation.request.kind === "range" && operation.request.rangeEnd === undefined,
    );
}

function puts(operations: readonly Operation[]): Put[] {
  return operations.filter(isOk).filter((operation): operation is Put => operation.request.kind === "put");
}

function foundBy({ outcome }: Get): Version | undefined {
  return outcome.result.kind === "range" ? outcome.result.kvs[0] : undefined;
}

function readPuts(operations: readonly Operation[]): { readonly write: Put; readonly read: Get }[] {
  const reads = gets(operations);
  return puts(operations).flatMap((write) => {
    const { key, value } = write.request;
    const read = reads.find((get) => get.request.key === key && foundBy(get)?.value === value);
    return read === undefined ? [] : [{ write, read }];
  });
}

function mayDelete(request: Operation["request"], key: string): boolean {
  const steps = request.kind === "txn" ? [...request.success, ...request.failure] : [request];
  return steps.some((step) => step.kind === "delete" && (step.key === key || step.rangeEnd !== undefined));
}

function isFailed(result: OkOperation["outcome"]["result"]): boolean {
  return result.kind === "txn" && !result.succeeded;
}

function pick<T>(prng: Prng, items: readonly T[]): T | undefined {
  return items.length === 0 ? undefined : randomPick(prng, items);
}
