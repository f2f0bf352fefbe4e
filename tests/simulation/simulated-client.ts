import type { VirtualTime } from "@quorate/actor";
import { randomInteger, type Prng } from "@quorate/base";
import type { CallOutcome, WriteKind } from "../../services/kv-gateway/src/actors/pending-call";
import {
  mayChange,
  type Operation,
  type Outcome,
  type StoreRequest,
  type Version,
} from "../checkers/history";
import { drawRequest, noteSeen, type Mix } from "../workloads/draw-request";
import { decodeStoreAnswer, encodeStoreRequest } from "../workloads/store-messages";
import type { SimulatedGateway, SimulatedReadKind } from "./simulated-gateway";

export interface SimulatedClientOptions {
  readonly number: number;
  readonly keys: readonly string[];
  /** Milliseconds between an answer and the next call, drawn from 0 to this. */
  readonly thinkMsMax: number;
  readonly mix: Mix;
}

/** One caller with one call outstanding, who writes unique values. */
export class SimulatedClient {
  readonly operations: Operation[] = [];
  readonly #seen = new Map<string, Version | undefined>();
  #stopped = false;

  constructor(
    private readonly options: SimulatedClientOptions,
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly prng: Prng;
      readonly gateway: SimulatedGateway;
    },
  ) {}

  get number(): number {
    return this.options.number;
  }

  start(): void {
    const { time, prng } = this.dependencies;
    time.setTimer(randomInteger(prng, 0, this.options.thinkMsMax), () => {
      if (!this.#stopped) this.#call(this.#draw());
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Calls once more, after everything else. @param done gets whether it was answered well. */
  final(request: StoreRequest, done: (operation: Operation) => void): void {
    this.#call(request, done);
  }

  #draw(): StoreRequest {
    const { keys, mix, number } = this.options;
    const name = `${number}:${this.operations.length}`;
    return drawRequest(this.dependencies.prng, mix, keys, { name, seen: this.#seen });
  }

  #call(request: StoreRequest, done?: (operation: Operation) => void): void {
    const { time, gateway } = this.dependencies;
    const operation: Operation = {
      client: this.options.number,
      calledAt: time.now(),
      returnedAt: Infinity,
      request,
      outcome: { kind: "unknown", code: "no answer" },
    };
    this.operations.push(operation);
    const reply = (outcome: CallOutcome): void => {
      operation.returnedAt = time.now();
      operation.outcome = outcomeOf(request, outcome);
      if (operation.outcome.kind === "ok") noteSeen(this.#seen, request, operation.outcome.result);
      if (done !== undefined) done(operation);
      else this.start();
    };
    const { method, bytes } = encodeStoreRequest(request);
    // The log is for what may write: a transaction that only reads is a read.
    if (mayChange(request)) gateway.write({ kind: method as WriteKind, bytes }, reply);
    else gateway.read({ kind: method as SimulatedReadKind, bytes }, reply);
  }
}

/** How a call of a history ended. Only a failure that is definite rules a write out. */
export function outcomeOf(request: StoreRequest, outcome: CallOutcome): Outcome {
  if (outcome.kind === "ok") return decodeStoreAnswer(request, outcome.bytes);
  const { code, unknownOutcome } = outcome.failure;
  return { kind: unknownOutcome ? "unknown" : "refused", code };
}
