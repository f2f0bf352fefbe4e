import { randomChance, randomInteger, type Prng } from "@quorate/base";

import type { Change, Operation, OkOperation, StoreRequest, StoreResult, Version } from "./history";
import { applyEffects, execute, stampedAt } from "./naive-contents";
import { drawRequest, noteSeen, type Mix } from "../workloads/draw-request";
import { HistoryRecorder } from "./history-recorder";

export interface RandomHistory {
  readonly operations: readonly Operation[];
  readonly log: readonly Change[];
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
