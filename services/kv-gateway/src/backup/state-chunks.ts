import { EMPTY_BYTES, equalBytes, type Clock } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import {
  chainChunk,
  DecodeError,
  decodeSnapshotChunk,
  decodeSnapshotRows,
  encodeBackupRequest,
  type ColumnRows,
  type SnapshotChunk,
  type Subjects,
} from "@quorate/wire";
import type { MemberId } from "../actors/leader-view";

export interface StateChunksOptions {
  readonly member: MemberId;
  /** Random: names this reading of the state. */
  readonly transfer: number;
  /** Chunks that are asked for at once. */
  readonly windowChunks: number;
  /** Milliseconds until a chunk that did not come is asked for again. */
  readonly answerMs: number;
  /** Milliseconds after which a chunk that was asked for in vain is not to be had. */
  readonly giveUpMs: number;
}

export interface StateChunksDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
}

/** "gone": the member does not hold the view (any more). "silent": it does not answer. */
type Answer = SnapshotChunk | "gone" | "silent";

/**
 * The state of one member at one applied index, row by row. It is asked for chunk by chunk, so nothing comes faster than it is
 * used, and what is lost on the way is asked for again. Must be closed: the member keeps the view until then.
 */
export class StateChunks implements Disposable {
  readonly #waiting = new Set<(answer: Answer) => void>();
  #first: Promise<Answer> | undefined;
  #closed = false;

  constructor(
    private readonly options: StateChunksOptions,
    private readonly dependencies: StateChunksDependencies,
  ) {}

  /** Has the member hold its state as it is now. "busy": it holds as many as it may; "silent": it is not there. */
  async open(): Promise<"open" | "busy" | "silent"> {
    this.#first = this.#ask(0, this.options.answerMs);
    const answer = await this.#first;
    if (answer === "silent") return answer;
    return answer === "gone" ? "busy" : "open";
  }

  /**
   * All rows, in the order of the columns and of their keys, once `open` said so. Bytes are the caller's to keep.
   *
   * @throws {StateLostError} The rest is not to be had, or is not what was sent.
   */
  async *rows(): AsyncGenerator<readonly ColumnRows[]> {
    const { windowChunks, giveUpMs } = this.options;
    const asked = [this.#first ?? this.#ask(0, giveUpMs)];
    let chain = EMPTY_BYTES;
    let rows = 0;
    for (let sequence = 0; ; sequence += 1) {
      const chunk = await asked.shift()!;
      if (chunk === "gone" || chunk === "silent") throw new StateLostError(this.options.member, chunk);
      while (asked.length < windowChunks) asked.push(this.#ask(sequence + asked.length + 1, giveUpMs));
      chain = chainChunk(chain, chunk.rows);
      if (chunk.sequence !== sequence || !equalBytes(chain, chunk.chain))
        throw new StateLostError(this.options.member, "damaged on its way");
      const columns = decodeSnapshotRows(chunk.rows);
      for (const { keys } of columns) rows += keys.length;
      yield columns;
      if (chunk.summary === undefined) continue;
      if (chunk.summary.rows !== rows) throw new StateLostError(this.options.member, "not complete");
      return;
    }
  }

  /** Lets the member forget the view. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const answer of this.#waiting) answer("silent");
    const { transport } = this.dependencies;
    const request = encodeBackupRequest({ kind: "close", transfer: this.options.transfer });
    if (transport.status === "connected") transport.publish(this.#subject, request);
  }

  get #subject(): string {
    return this.dependencies.subjects.node(this.options.member, "backup");
  }

  #ask(sequence: number, giveUpMs: number): Promise<Answer> {
    const { transport, clock } = this.dependencies;
    const { transfer, answerMs } = this.options;
    const request = encodeBackupRequest({ kind: "read", transfer, sequence });
    const giveUpAt = clock.now() + giveUpMs;
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        this.#waiting.delete(settle);
        resolve(answer);
      };
      this.#waiting.add(settle);
      const attempt = (): void => {
        const askedAt = clock.now();
        transport.request(this.#subject, request, { timeoutMs: answerMs }, (result) => {
          if (!this.#waiting.has(settle)) return;
          if (result.kind === "answer") return settle(decoded(result.payload));
          // At the pace of a timeout, whatever the answer was: one that comes at once would be asked in a loop.
          if (askedAt + answerMs >= giveUpAt) return settle("silent");
          clock.setTimer(Math.max(0, askedAt + answerMs - clock.now()), () => {
            if (this.#waiting.has(settle)) attempt();
          });
        });
      };
      attempt();
    });
  }
}

/** The state of a member can no longer be read to its end. */
export class StateLostError extends Error {
  override readonly name = "StateLostError";
  readonly code = "state-lost";

  constructor(member: MemberId, why: string) {
    super(`Cannot read the state of member ${member}: ${why}`);
  }
}

/** An answer of an unknown format is as good as none. */
function decoded(payload: Uint8Array): Answer {
  try {
    return decodeSnapshotChunk(Uint8Array.from(payload)); // lent
  } catch (error) {
    if (error instanceof DecodeError) return "gone";
    throw error;
  }
}
