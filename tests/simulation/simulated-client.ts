import type { VirtualTime } from "@quorate/actor";
import { binaryString, randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";
import { etcdserverpb, saturatingNumber, type WireInt64 } from "@quorate/wire";
import type { CallOutcome } from "../../services/kv-gateway/src/actors/pending-call";
import { bytes, failedOutcome, type Found, type Operation } from "./history";
import type { SimulatedGateway } from "./simulated-gateway";

export interface SimulatedClientOptions {
  readonly number: number;
  readonly keys: readonly string[];
  /** Milliseconds between an answer and the next call, drawn from 0 to this. */
  readonly thinkMsMax: number;
}

/** One caller with one call outstanding: puts of unique values, guarded puts, deletes and linearizable gets. */
export class SimulatedClient {
  readonly operations: Operation[] = [];
  readonly #lastSeen = new Map<string, number>();
  #stopped = false;

  constructor(
    private readonly options: SimulatedClientOptions,
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly prng: Prng;
      readonly gateway: SimulatedGateway;
    },
  ) {}

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
  final(request: Operation["request"], done: (operation: Operation) => void): void {
    this.#call(request, done);
  }

  #draw(): Operation["request"] {
    const { prng } = this.dependencies;
    const key = randomPick(prng, this.options.keys);
    const value = `${this.options.number}:${this.operations.length}`;
    if (randomChance(prng, 0.4)) return { kind: "get", key };
    if (randomChance(prng, 0.5)) return { kind: "put", key, value };
    if (randomChance(prng, 0.75)) return { kind: "swap", key, value, expected: this.#lastSeen.get(key) ?? 0 };
    return { kind: "delete", key };
  }

  #call(request: Operation["request"], done?: (operation: Operation) => void): void {
    const { time, gateway } = this.dependencies;
    const operation: Operation = {
      client: this.options.number,
      calledAt: time.now(),
      returnedAt: Infinity,
      request,
      outcome: { kind: "unknown" },
    };
    this.operations.push(operation);
    const reply = (outcome: CallOutcome): void => {
      operation.returnedAt = time.now();
      operation.outcome = this.#outcome(request, outcome);
      if (done !== undefined) done(operation);
      else this.start();
    };
    if (request.kind === "get") gateway.read({ kind: "range", bytes: encoded(request) }, reply);
    else gateway.write({ kind: commandKind(request), bytes: encoded(request) }, reply);
  }

  #outcome(request: Operation["request"], outcome: CallOutcome): Operation["outcome"] {
    if (outcome.kind === "failed") return failedOutcome(outcome.failure);
    switch (request.kind) {
      case "get": {
        const response = etcdserverpb.RangeResponse.decode(outcome.bytes);
        const kv = response.kvs[0];
        const found: Found | undefined = kv && {
          value: binaryString(kv.value!),
          modRevision: number(kv.modRevision),
        };
        this.#lastSeen.set(request.key, found?.modRevision ?? 0);
        return { kind: "read", revision: number(response.header?.revision), found };
      }
      case "put": {
        const response = etcdserverpb.PutResponse.decode(outcome.bytes);
        return { kind: "written", revision: number(response.header?.revision), changed: true };
      }
      case "swap": {
        const response = etcdserverpb.TxnResponse.decode(outcome.bytes);
        return { kind: "written", revision: number(response.header?.revision), changed: response.succeeded };
      }
      case "delete": {
        const response = etcdserverpb.DeleteRangeResponse.decode(outcome.bytes);
        const changed = number(response.deleted) > 0;
        return { kind: "written", revision: number(response.header?.revision), changed };
      }
    }
  }
}

function number(value: WireInt64 | null | undefined): number {
  return saturatingNumber(value ?? 0);
}

function commandKind(request: Operation["request"]): "put" | "txn" | "delete-range" {
  return request.kind === "put" ? "put" : request.kind === "swap" ? "txn" : "delete-range";
}

function encoded(request: Operation["request"]): Uint8Array {
  const key = bytes(request.key);
  switch (request.kind) {
    case "get":
      return etcdserverpb.RangeRequest.encode({ key }).finish();
    case "put":
      return etcdserverpb.PutRequest.encode({ key, value: bytes(request.value) }).finish();
    case "delete":
      return etcdserverpb.DeleteRangeRequest.encode({ key }).finish();
    case "swap": {
      const { Compare } = etcdserverpb;
      return etcdserverpb.TxnRequest.encode({
        compare: [{ key, target: Compare.CompareTarget.MOD, modRevision: request.expected }],
        success: [{ requestPut: { key, value: bytes(request.value) } }],
      }).finish();
    }
  }
}
