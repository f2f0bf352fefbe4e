import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";

import type { Change, Operation, OkOperation, StoreRequest, StoreResult, TxnStep, Version } from "./history";
import { applyEffects, execute, stampedAt } from "./naive-contents";
import { elementsOf, listText } from "./list-append/list-transactions";
import { HistoryRecorder } from "./history-recorder";

/** What clients do: one key at a time, everything, or transactions on lists. */
export type Mix = "register" | "txn" | "list-append";

export interface RandomHistory {
  readonly operations: readonly Operation[];
  readonly log: readonly Change[];
}

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
  if (randomChance(prng, 0.4)) return { kind: "range", key: key < other ? key : other, rangeEnd: "\0" };
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

const FIRST_REVISION = 1;

/**
 * A history as a correct store would make it: clients that call at random, take a while, and sometimes hear nothing, where the
 * write may have happened, happen long after, or never.
 */
export function randomHistory(
  prng: Prng,
  options: {
    readonly mix: Mix;
    readonly clients: number;
    readonly operations: number;
    readonly keys: readonly string[];
    readonly unknownChance: number;
  },
): RandomHistory {
  const contents = new Map<string, Version>();
  const log: Change[] = [];
  let revision = FIRST_REVISION;
  let now = 0;
  const recorder = new HistoryRecorder(() => now);
  const queue: { readonly at: number; readonly run: () => void }[] = [];
  const later = (at: number, run: () => void): void => {
    const place = queue.findIndex((other) => other.at > at);
    queue.splice(place < 0 ? queue.length : place, 0, { at, run });
  };
  const carryOut = (request: StoreRequest): StoreResult => {
    const stamp = stampedAt(revision + 1);
    const { result, effects } = execute(contents, request, stamp);
    if (effects.length > 0) revision += 1;
    applyEffects(contents, effects, stamp);
    for (const effect of effects) log.push({ revision, ...effect });
    return result;
  };
  let called = 0;
  const next = (client: number, seen: Map<string, Version | undefined>): void => {
    if (called === options.operations) return;
    called += 1;
    const request = drawRequest(prng, options.mix, options.keys, { name: `${client}:${called}`, seen });
    const answer = recorder.call(client, request);
    const goOn = (): void => later(now + randomInteger(prng, 0, 8), () => next(client, seen));
    if (randomChance(prng, options.unknownChance)) {
      if (randomChance(prng, 0.6)) later(now + randomInteger(prng, 0, 80), () => carryOut(request));
      const code = randomChance(prng, 0.2) ? "no answer" : "timeout";
      return later(now + 20, () => {
        answer({ kind: "unknown", code });
        goOn();
      });
    }
    if (randomChance(prng, 0.02)) {
      return later(now + 1, () => {
        answer({ kind: "refused", code: "no-space" });
        goOn();
      });
    }
    later(now + randomInteger(prng, 0, 10), () => {
      const result = carryOut(request);
      const at = revision;
      later(now + randomInteger(prng, 0, 10), () => {
        noteSeen(seen, request, result);
        answer({ kind: "ok", revision: at, result });
        goOn();
      });
    });
  };
  for (let client = 0; client < options.clients; client += 1) later(client, () => next(client, new Map()));
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
    now = event.at;
    event.run();
  }
  return { operations: recorder.operations, log };
}

/** `operations` with one of them replaced. */
export function replaced(
  operations: readonly Operation[],
  old: Operation,
  fields: Partial<Operation>,
): readonly Operation[] {
  return operations.map((operation) => (operation === old ? { ...operation, ...fields } : operation));
}

/** The same answer with another result, and revision if it is told. */
export function answered(operation: OkOperation, result: StoreResult, revision = operation.outcome.revision) {
  return { outcome: { kind: "ok", revision, result } } as const;
}
