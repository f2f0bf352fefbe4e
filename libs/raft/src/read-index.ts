import type { LogIndex, MemberId } from "./types";

/** A read that another member asked for; `id` is its own number for it. */
export interface PeerRead {
  readonly member: MemberId;
  readonly id: number;
}

/** Reads that became answerable, or failed, together. */
export interface ReadBatch {
  readonly own: readonly number[];
  readonly peers: readonly PeerRead[];
}

interface Round {
  readonly number: number;
  readonly index: LogIndex;
  readonly reads: ReadBatch;
}

/**
 * Linearizable reads at the leader (thesis §6.4): a read may be served at the commit index of its arrival once a quorum
 * has confirmed that the leader still leads, by answering a round that *began after* the arrival.
 *
 * One round at a time; what arrives meanwhile joins the next. Rounds carry the leader's own numbers, never an id made by
 * whoever asks: repeated ids let late answers to an old question confirm a new one.
 */
export class ReadIndexQueue {
  readonly #pendingMax: number;
  #own: number[] = [];
  #peers: PeerRead[] = [];
  #round: Round | undefined;

  constructor(pendingMax: number) {
    this.#pendingMax = pendingMax;
  }

  get pending(): number {
    const underWay =
      this.#round === undefined ? 0 : this.#round.reads.own.length + this.#round.reads.peers.length;
    return this.#own.length + this.#peers.length + underWay;
  }

  /** Whether a round should begin now. */
  get waiting(): boolean {
    return this.#round === undefined && this.#own.length + this.#peers.length > 0;
  }

  /** @returns Whether there was room. */
  addOwn(id: number): boolean {
    if (this.pending >= this.#pendingMax) return false;
    this.#own.push(id);
    return true;
  }

  /** @returns Whether there was room. */
  addPeer(read: PeerRead): boolean {
    if (this.pending >= this.#pendingMax) return false;
    this.#peers.push(read);
    return true;
  }

  /** All waiting reads join round `number`, which is about to be sent. @param index The commit index now. */
  begin(number: number, index: LogIndex): void {
    this.#round = { number, index, reads: { own: this.#own, peers: this.#peers } };
    this.#own = [];
    this.#peers = [];
  }

  /** Ends the round if a quorum has answered it or a later one. */
  confirm(quorumRound: number): { readonly index: LogIndex; readonly reads: ReadBatch } | undefined {
    const round = this.#round;
    if (round === undefined || quorumRound < round.number) return undefined;
    this.#round = undefined;
    return round;
  }

  /** Takes everything that is pending: leadership ended. */
  drain(): ReadBatch {
    const own = [...(this.#round?.reads.own ?? []), ...this.#own];
    const peers = [...(this.#round?.reads.peers ?? []), ...this.#peers];
    this.#round = undefined;
    this.#own = [];
    this.#peers = [];
    return { own, peers };
  }
}
