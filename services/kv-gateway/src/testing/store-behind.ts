import { binaryString } from "@quorate/base";
import type { Event, KeyValue } from "@quorate/mvcc";
import {
  StateMachine,
  STATE_COLUMNS,
  type CommandOutcome,
  type ReadOutcome,
  type StateColumn,
} from "@quorate/state-machine";
import { MemoryDisk, MemoryKeyValueStore } from "@quorate/storage";
import type { WatchEvent } from "@quorate/watch";
import {
  decodeCommand,
  decodeRead,
  failureOf,
  mvccpb,
  ResponseEncoder,
  wireId,
  type NodeAnswer,
  type RawCommand,
  type RawRead,
  type Result,
} from "@quorate/wire";
import type { ScriptedFanout } from "../../../../libs/client/src/testing/scripted-fanout";
import type { ScriptedNode } from "./scripted-node";

const TERM = 5;

/**
 * Makes scripted nodes members of a cluster that really keeps keys and leases: one state machine, which they share, and a
 * fan-out that tells of its changes. For specs of what needs more than single answers.
 */
export class StoreBehind {
  readonly #store = new MemoryKeyValueStore<StateColumn>(new MemoryDisk<StateColumn>(STATE_COLUMNS));
  readonly #stateMachine = new StateMachine({}, { view: this.#store });
  readonly #batch = this.#store.batch();
  readonly #encoder = new ResponseEncoder({ clusterId: 0xc1n, memberId: 1n });
  #index = 0;
  /** Told of every change; another one may take its place. */
  fanout: ScriptedFanout | undefined;
  #isHeld = false;

  constructor(nodes: readonly ScriptedNode[]) {
    for (const node of nodes) {
      node.propose = ({ commands }) => this.propose(commands);
      node.read = ({ reads }) => this.read(reads);
    }
  }

  get revision(): number {
    return this.#stateMachine.position.revision;
  }

  /** The fan-out delivers nothing until {@link release}. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.fanout?.flush();
  }

  propose(commands: readonly RawCommand[]): NodeAnswer {
    const before = this.#stateMachine.position;
    this.#index += 1;
    const entry = { index: this.#index, term: TERM, commands: commands.map(decodeCommand) };
    const { outcomes, events } = this.#stateMachine.apply([entry], this.#batch);
    this.#batch.write({ sync: false });
    const { revision, compactRevision } = this.#stateMachine.position;
    this.fanout?.hub.feed({
      prevRevision: before.revision,
      revision,
      compactRevision,
      events: events.map(watchEventOf),
    });
    if (!this.#isHeld) this.fanout?.flush();
    return { kind: "results", results: outcomes[0]!.map((outcome) => this.#resultOf(outcome)) };
  }

  read(reads: readonly RawRead[]): NodeAnswer {
    const outcomes = reads.map((read) => this.#stateMachine.read(decodeRead(read)));
    return { kind: "results", results: outcomes.map((outcome) => this.#resultOfRead(outcome)) };
  }

  #resultOf(outcome: CommandOutcome): Result {
    if (!outcome.ok) return { ok: false, failure: failureOf(outcome.error) };
    const { response: answer } = outcome;
    switch (answer.kind) {
      case "put":
        return { ok: true, bytes: this.#encoder.put(answer.response, TERM) };
      case "delete-range":
        return { ok: true, bytes: this.#encoder.deleteRange(answer.response, TERM) };
      case "txn":
        return { ok: true, bytes: this.#encoder.txn(answer.response, TERM) };
      case "lease-grant":
        return { ok: true, bytes: this.#encoder.leaseGrant(answer.response, TERM) };
      case "membership":
        throw new Error("a store without members");
      default:
        return { ok: true, bytes: this.#encoder.leaseRevoke(answer.response, TERM) };
    }
  }

  #resultOfRead(outcome: ReadOutcome): Result {
    if (!outcome.ok) return { ok: false, failure: failureOf(outcome.error) };
    switch (outcome.kind) {
      case "range":
        return { ok: true, bytes: this.#encoder.range(outcome.response, TERM) };
      case "txn":
        return { ok: true, bytes: this.#encoder.txn(outcome.response, TERM) };
      case "leases":
        return { ok: true, bytes: this.#encoder.leases(outcome.response, TERM) };
      case "alarms":
        return { ok: true, bytes: this.#encoder.alarms(outcome.response, TERM) };
    }
  }
}

function watchEventOf({ kind, main, kv }: Event): WatchEvent {
  const { DELETE, PUT } = mvccpb.Event.EventType;
  const bytes = mvccpb.Event.encode({ type: kind === "delete" ? DELETE : PUT, kv: wireOf(kv) }).finish();
  return { kind, main, key: binaryString(kv.key), bytes, headBytes: bytes.length };
}

function wireOf(kv: KeyValue): mvccpb.KeyValue.$Properties {
  return { ...kv, lease: wireId(kv.lease) };
}
