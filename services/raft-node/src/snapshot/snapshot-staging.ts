import type { ActorRef } from "@quorate/actor";
import { compareBytes, EMPTY_BYTES } from "@quorate/base";
import type { Configuration, SnapshotHead } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import type { KeyValueBatch, KeyValueStore } from "@quorate/storage";
import {
  chainChunk,
  DecodeError,
  decodeSnapshotChunk,
  decodeSnapshotRows,
  type SnapshotSummary,
} from "@quorate/wire";
import type { AppliedState } from "./applied-state";
import type { SnapshotReport } from "./snapshot-messages";

export interface SnapshotStagingDependencies {
  readonly state: AppliedState;
  readonly reports: ActorRef<SnapshotReport>;
}

interface Incoming {
  readonly transfer: number;
  readonly snapshot: SnapshotHead;
  /** Until the staging database is open chunks wait; their sender's window bounds them. */
  readonly waiting: Uint8Array[];
  store: KeyValueStore<StateColumn> | undefined;
  chunks: number;
  chain: Uint8Array;
  rows: number;
  bytes: number;
}

/** Writes the chunks of another's snapshot beside the state, and believes none of them before everything has been checked. */
export class SnapshotStaging {
  #incoming: Incoming | undefined;
  #sealed: number | undefined;

  constructor(private readonly dependencies: SnapshotStagingDependencies) {}

  begin(transfer: number, snapshot: SnapshotHead): void {
    const incoming: Incoming = {
      transfer,
      snapshot,
      waiting: [],
      store: undefined,
      chunks: 0,
      chain: EMPTY_BYTES,
      rows: 0,
      bytes: 0,
    };
    this.#incoming = incoming;
    this.#sealed = undefined;
    this.dependencies.state.storage.stage((store) => {
      incoming.store = store;
      for (const chunk of incoming.waiting) this.write(transfer, chunk);
    });
  }

  write(transfer: number, chunk: Uint8Array): void {
    const incoming = this.#incoming;
    if (incoming?.transfer !== transfer) return;
    if (incoming.store === undefined) {
      incoming.waiting.push(chunk);
      return;
    }
    const problem = this.#take(incoming, incoming.store, chunk);
    const { reports } = this.dependencies;
    if (problem === undefined) {
      return reports.tell({ kind: "snapshot-written", transfer, chunks: incoming.chunks });
    }
    this.discard(transfer);
    reports.tell({ kind: "snapshot-rejected", transfer, why: problem });
  }

  discard(transfer: number): void {
    if (this.#incoming?.transfer !== transfer && this.#sealed !== transfer) return;
    this.#incoming = undefined;
    this.#sealed = undefined;
    this.dependencies.state.storage.discard();
  }

  /** @returns What is wrong with the chunk. */
  #take(incoming: Incoming, store: KeyValueStore<StateColumn>, bytes: Uint8Array): string | undefined {
    try {
      const chunk = decodeSnapshotChunk(bytes);
      if (chunk === "gone" || chunk.sequence !== incoming.chunks) return "a chunk is out of place";
      incoming.chain = chainChunk(incoming.chain, chunk.rows);
      if (compareBytes(incoming.chain, chunk.chain) !== 0)
        return "a chunk does not continue what came before it";
      const batch = store.batch();
      const problem = this.#putRows(incoming, batch, chunk.rows);
      if (problem !== undefined) return problem;
      // The last sync takes all before it along.
      batch.write({ sync: chunk.summary !== undefined });
      incoming.chunks += 1;
      return chunk.summary === undefined ? undefined : this.#finish(incoming, store, chunk.summary);
    } catch (error) {
      if (error instanceof DecodeError) return error.message;
      throw error;
    }
  }

  #putRows(incoming: Incoming, batch: KeyValueBatch<StateColumn>, bytes: Uint8Array): string | undefined {
    for (const { column, keys, values } of decodeSnapshotRows(bytes)) {
      if (!isStateColumn(column)) return `column "${column}" is not known here: is the sender newer?`;
      for (let at = 0; at < keys.length; at += 1) {
        batch.put(column, keys[at]!, values[at]!);
        incoming.bytes += keys[at]!.length + values[at]!.length;
      }
      incoming.rows += keys.length;
    }
    return undefined;
  }

  #finish(
    incoming: Incoming,
    store: KeyValueStore<StateColumn>,
    summary: SnapshotSummary,
  ): string | undefined {
    const { transfer, snapshot, rows, bytes } = incoming;
    if (rows !== summary.rows || bytes !== summary.bytes)
      return `${rows} rows of ${bytes} bytes came, and ${summary.rows} of ${summary.bytes} were sent`;
    // The rows must say of themselves what the leader has said of them.
    const { position, membership } = this.dependencies.state.stateMachineOn(store);
    const { index, term, revision, effectHash } = position;
    if (index !== snapshot.index || term !== snapshot.term) return `it is at index ${index} of term ${term}`;
    if (revision !== summary.revision || effectHash !== summary.effectHash)
      return "its effect hash is another";
    if (membership.founded && !isSameConfiguration(membership.configuration, snapshot.configuration))
      return "its members are others";
    this.#incoming = undefined;
    this.#sealed = transfer;
    this.dependencies.state.storage.seal(snapshot.index, () => {
      this.dependencies.reports.tell({ kind: "snapshot-staged", transfer });
    });
    return undefined;
  }
}

function isStateColumn(column: string): column is StateColumn {
  return (STATE_COLUMNS as readonly string[]).includes(column);
}

function isSameConfiguration(one: Configuration, other: Configuration): boolean {
  return (["incoming", "outgoing", "learners"] as const).every(
    (list) =>
      one[list].length === other[list].length && one[list].every((member, at) => member === other[list][at]),
  );
}
