import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";

import type { StoreRequest, StoreResult, TxnStep, Version } from "../checkers/history";
import { elementsOf, listText } from "../checkers/list-append/list-transactions";

/** What clients do: one key at a time, everything, or transactions on lists. */
export type Mix = "register" | "txn" | "list-append";

/** What a client knows of the store: what it was last told of each key. */
export type Seen = ReadonlyMap<string, Version | undefined>;

/** What is unique to a call, for the values it writes. */
export interface Drawn {
  readonly name: string;
  readonly seen: Seen;
}

/** The next request of a client. */
export function drawRequest(
  prng: Prng,
  mix: Mix,
  keys: readonly string[],
  { name, seen }: Drawn,
): StoreRequest {
  if (mix === "list-append") return listRequest(prng, keys, name, seen);
  const key = randomPick(prng, keys);
  const other = randomPick(prng, keys);
  if (mix === "txn" && key !== other && randomChance(prng, 0.4))
    return pairRequest(prng, key, other, name, seen);
  if (randomChance(prng, 0.4)) return { kind: "range", key };
  if (randomChance(prng, 0.4)) return { kind: "put", key, value: name };
  if (randomChance(prng, 0.25)) return { kind: "delete", key };
  return {
    kind: "txn",
    compare: [{ target: "mod", key, equals: seen.get(key)?.modRevision ?? 0 }],
    success: [{ kind: "put", key, value: name }],
    failure: [{ kind: "range", key }],
  };
}

/** Something on two keys at once. */
function pairRequest(prng: Prng, key: string, other: string, name: string, seen: Seen): StoreRequest {
  if (randomChance(prng, 0.4))
    return { kind: "range", key: key < other ? key : other, rangeEnd: `${key < other ? other : key}\0` };
  if (randomChance(prng, 0.1)) return { kind: "delete", key, rangeEnd: `${key}\0` };
  const was = seen.get(key);
  return {
    kind: "txn",
    compare: [
      was === undefined ? { target: "create", key, equals: 0 } : { target: "value", key, equals: was.value },
    ],
    success: [
      { kind: "put", key: other, value: `${name}+` },
      randomChance(prng, 0.5) ? { kind: "put", key, value: name } : { kind: "delete", key },
    ],
    failure: [
      { kind: "range", key },
      { kind: "range", key: other },
    ],
  };
}

/** Reads some lists and appends to some of them, if those are as they were seen. */
function listRequest(prng: Prng, keys: readonly string[], name: string, seen: Seen): StoreRequest {
  const chosen = [...new Set([randomPick(prng, keys), randomPick(prng, keys)])];
  const reads = chosen.map((key): TxnStep => ({ kind: "range", key }));
  const written = randomChance(prng, 0.3) ? [] : chosen.filter(() => randomChance(prng, 0.7));
  const puts = written.map((key): TxnStep => {
    const added = Array.from({ length: randomInteger(prng, 1, 2) }, (_, at) => `${name}.${at}`);
    return { kind: "put", key, value: listText([...elementsOf(seen.get(key)?.value ?? ""), ...added]) };
  });
  return {
    kind: "txn",
    compare: written.map((key) => ({ target: "mod", key, equals: seen.get(key)?.modRevision ?? 0 })),
    success: [...reads, ...puts],
    failure: puts.length === 0 ? [] : reads,
  };
}

/** What `result` says about keys, noted in `seen`. */
export function noteSeen(
  seen: Map<string, Version | undefined>,
  request: StoreRequest,
  result: StoreResult,
): void {
  const steps =
    request.kind !== "txn"
      ? [request]
      : result.kind === "txn" && result.succeeded
        ? request.success
        : request.failure;
  const results = result.kind === "txn" ? result.results : [result];
  steps.forEach((step, at) => {
    const answer = results[at];
    if (step.kind !== "range" || answer?.kind !== "range") return;
    if (step.rangeEnd === undefined) seen.set(step.key, undefined);
    for (const version of answer.kvs) seen.set(version.key, version);
  });
}
