import type { ActorRef } from "@quorate/actor";
import { hexId, type Clock, type Timer } from "@quorate/base";
import type { MemberId, RaftEffect } from "@quorate/raft";
import type { Logger } from "@quorate/telemetry";
import type { RequestResult, Transport } from "@quorate/transport";
import {
  DecodeError,
  decodeSnapshotChunk,
  encodeSnapshotChunkRequest,
  type SnapshotChunk,
  type Subjects,
} from "@quorate/wire";
import type { SnapshotMessage, SnapshotReport } from "./snapshot-messages";

export interface SnapshotFetcherOptions {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** Chunks that are asked for, or not written yet, at once. */
  readonly windowChunks: number;
  /** How fast chunks are asked for, so that Raft's own traffic goes first. */
  readonly bytesPerSecondMax: number;
  /** Milliseconds until a chunk that did not come is asked for again. */
  readonly answerMs: number;
  /** Milliseconds without any progress after which the transfer has failed. */
  readonly giveUpMs: number;
}

export interface SnapshotFetcherDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly applier: ActorRef<SnapshotMessage>;
  readonly raft: ActorRef<
    | { readonly kind: "snapshot-staged"; readonly transfer: number }
    | { readonly kind: "snapshot-failed"; readonly transfer: number }
  >;
}

type Fetch = Extract<RaftEffect, { kind: "fetch-snapshot" }>;

/** `written` <= `next` <= `asked` <= `written` + window: written to disk, handed to the applier, asked for. */
interface Transfer {
  readonly fetch: Fetch;
  readonly startedAt: number;
  written: number;
  next: number;
  asked: number;
  /** How many chunks there are, once the last one has come. */
  total: number;
  /** Came before one that is missing. */
  readonly early: Map<number, Uint8Array>;
  bytes: number;
  progressAt: number;
  /** No chunk is asked for before this time. */
  notBefore: number;
  timer: Timer | undefined;
}

/**
 * Gets a snapshot chunk by chunk: the receiver asks, so what is lost, late or doubled is simply asked for again, from the last
 * chunk that came, also over a new connection.
 */
export class SnapshotFetcher {
  #transfer: Transfer | undefined;

  constructor(
    private readonly options: SnapshotFetcherOptions,
    private readonly dependencies: SnapshotFetcherDependencies,
  ) {}

  fetch(fetch: Fetch): void {
    this.#stop();
    const { applier, clock, logger } = this.dependencies;
    const { from, transfer, snapshot } = fetch;
    const now = clock.now();
    const begun: Transfer = {
      fetch,
      startedAt: now,
      written: 0,
      next: 0,
      asked: 0,
      total: Infinity,
      early: new Map(),
      bytes: 0,
      progressAt: now,
      notBefore: now,
      timer: undefined,
    };
    this.#transfer = begun;
    logger.info("fetching a snapshot", { from: hexId(from), index: snapshot.index, transfer });
    applier.tell({ kind: "snapshot-stage", transfer, snapshot });
    this.#ask(begun);
  }

  discard(transfer: number): void {
    if (this.#transfer?.fetch.transfer === transfer) this.#stop();
    this.dependencies.applier.tell({ kind: "snapshot-discard", transfer });
  }

  close(): void {
    this.#stop();
  }

  report(
    report: Extract<SnapshotReport, { kind: "snapshot-written" | "snapshot-staged" | "snapshot-rejected" }>,
  ): void {
    const transfer = this.#transfer;
    if (transfer?.fetch.transfer !== report.transfer) return;
    switch (report.kind) {
      case "snapshot-written":
        transfer.written = report.chunks;
        return this.#ask(transfer);
      case "snapshot-rejected":
        return this.#fail(transfer, report.why);
      case "snapshot-staged": {
        const { clock, logger, raft } = this.dependencies;
        const { fetch, bytes, total, startedAt } = transfer;
        this.#stop();
        const ms = Math.round(clock.now() - startedAt);
        logger.info("a snapshot is here", { index: fetch.snapshot.index, bytes, chunks: total, ms });
        return raft.tell({ kind: "snapshot-staged", transfer: report.transfer });
      }
    }
  }

  /** Asks for as many chunks as the window and the rate allow. */
  #ask(transfer: Transfer): void {
    const { windowChunks } = this.options;
    const now = this.dependencies.clock.now();
    while (transfer.asked < Math.min(transfer.written + windowChunks, transfer.total)) {
      if (transfer.notBefore > now) {
        transfer.timer ??= this.dependencies.clock.setTimer(transfer.notBefore - now, () => {
          transfer.timer = undefined;
          if (transfer === this.#transfer) this.#ask(transfer);
        });
        return;
      }
      const sequence = transfer.asked;
      transfer.asked += 1;
      this.#request(transfer, sequence);
    }
  }

  #request(transfer: Transfer, sequence: number): void {
    const { transport, subjects, clock } = this.dependencies;
    const { clusterId, memberId, answerMs } = this.options;
    const { from, transfer: number } = transfer.fetch;
    const request = encodeSnapshotChunkRequest({ clusterId, transfer: number, sequence });
    const askedAt = clock.now();
    transport.request(subjects.snapshot(memberId, from), request, { timeoutMs: answerMs }, (result) => {
      if (transfer !== this.#transfer || sequence >= transfer.total) return;
      if (result.kind === "answer") return this.#answered(transfer, sequence, result);
      if (clock.now() - transfer.progressAt >= this.options.giveUpMs)
        return this.#fail(transfer, `no answer (${result.kind})`);
      // At the pace of a timeout, whatever the answer was: one that comes at once would be asked in a loop.
      clock.setTimer(Math.max(0, askedAt + answerMs - clock.now()), () => {
        if (transfer === this.#transfer) this.#request(transfer, sequence);
      });
    });
  }

  #answered(
    transfer: Transfer,
    sequence: number,
    { payload }: Extract<RequestResult, { kind: "answer" }>,
  ): void {
    const bytes = Uint8Array.from(payload); // lent, and it goes to another thread
    const chunk = decoded(bytes);
    if (chunk === undefined || chunk === "gone" || chunk.sequence !== sequence)
      return this.#fail(
        transfer,
        chunk === "gone" ? "its sender does not hold it any more" : "a malformed chunk",
      );
    const { clock, applier } = this.dependencies;
    const now = clock.now();
    transfer.progressAt = now;
    transfer.bytes += bytes.length;
    transfer.notBefore =
      Math.max(transfer.notBefore, now) + (bytes.length * 1000) / this.options.bytesPerSecondMax;
    if (chunk.summary !== undefined) transfer.total = sequence + 1;
    transfer.early.set(sequence, bytes);
    for (let next = transfer.early.get(transfer.next); next !== undefined;) {
      transfer.early.delete(transfer.next);
      transfer.next += 1;
      applier.tell({ kind: "snapshot-write", transfer: transfer.fetch.transfer, chunk: next });
      next = transfer.early.get(transfer.next);
    }
  }

  #fail(transfer: Transfer, why: string): void {
    const { applier, raft, logger } = this.dependencies;
    const { from, transfer: number, snapshot } = transfer.fetch;
    this.#stop();
    logger.warn("a snapshot could not be fetched", { from: hexId(from), index: snapshot.index, why });
    applier.tell({ kind: "snapshot-discard", transfer: number });
    raft.tell({ kind: "snapshot-failed", transfer: number });
  }

  #stop(): void {
    this.#transfer?.timer?.cancel();
    this.#transfer = undefined;
  }
}

function decoded(bytes: Uint8Array): SnapshotChunk | "gone" | undefined {
  try {
    return decodeSnapshotChunk(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
