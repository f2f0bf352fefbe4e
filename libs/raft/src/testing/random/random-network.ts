import { type Prng, randomChance, randomInteger } from "@quorate/base";
import type { Envelope } from "../../message";
import type { MemberId } from "../../types";
import type { FaultMix } from "./fault-mix";

export interface InTransit extends Envelope {
  readonly from: MemberId;
  readonly incarnation: number;
}

/** More than this in transit and the oldest are lost; as many again may be late. */
const IN_TRANSIT_MAX = 150;

/** Loses, repeats, reorders and delays messages as its mix says, and parts the members. */
export class RandomNetwork {
  readonly #mix: FaultMix;
  readonly #prng: Prng;
  #inTransit: InTransit[] = [];
  #late: InTransit[] = [];
  /** Pairs "from>to" whose messages are lost. */
  readonly #blocked = new Set<string>();

  constructor(mix: FaultMix, dependencies: { readonly prng: Prng }) {
    this.#mix = mix;
    this.#prng = dependencies.prng;
  }

  send(from: MemberId, incarnation: number, envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) this.#inTransit.push({ ...envelope, from, incarnation });
    this.#inTransit = this.#inTransit.slice(-IN_TRANSIT_MAX);
  }

  /** It arrives after everything else, if at all. */
  delay(message: InTransit): void {
    this.#late.push(message);
    this.#late = this.#late.slice(-IN_TRANSIT_MAX);
  }

  /** What arrives next, if anything does: one from long ago, one of those in transit, or both. */
  take(): InTransit[] {
    const { loss, duplication, reordering, delay } = this.#mix;
    const arriving: InTransit[] = [];
    if (this.#late.length > 0 && randomChance(this.#prng, Math.max(delay, 0.01) / 2))
      arriving.push(...this.#late.splice(randomInteger(this.#prng, 0, this.#late.length - 1), 1));
    const count = this.#inTransit.length;
    if (count === 0) return this.#passable(arriving);
    const at = randomChance(this.#prng, reordering) ? randomInteger(this.#prng, 0, count - 1) : 0;
    const message = this.#inTransit[at]!;
    if (!randomChance(this.#prng, duplication)) this.#inTransit.splice(at, 1);
    if (randomChance(this.#prng, delay)) this.delay(message);
    else if (!randomChance(this.#prng, loss)) arriving.push(message);
    return this.#passable(arriving);
  }

  /** Everything that is in transit, without any fault. */
  takeAll(): InTransit[] {
    const messages = this.#inTransit;
    this.#inTransit = [];
    return this.#passable(messages);
  }

  heal(): void {
    this.#blocked.clear();
  }

  /** Heals, cuts `alone` off both ways, or blocks single directions. */
  part(members: readonly MemberId[], alone: MemberId): void {
    this.heal();
    const kind = randomInteger(this.#prng, 0, 2);
    if (kind === 0) return;
    for (const from of members) {
      for (const to of members) {
        const cut = kind === 1 ? from === alone || to === alone : randomChance(this.#prng, 0.3);
        if (cut) this.#blocked.add(`${from}>${to}`);
      }
    }
  }

  #passable(messages: readonly InTransit[]): InTransit[] {
    return messages.filter(({ from, to }) => !this.#blocked.has(`${from}>${to}`));
  }
}
