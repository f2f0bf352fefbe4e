import { Deque, invariant } from "@quorate/base";
import type { LogIndex } from "../types";

export interface InflightLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** The window of appends sent to a follower and not answered yet. */
export class Inflights {
  readonly #limits: InflightLimits;
  readonly #sent = new Deque<{ readonly last: LogIndex; readonly bytes: number }>();
  #bytes = 0;

  constructor(limits: InflightLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#sent.size;
  }

  get full(): boolean {
    return this.#sent.size >= this.#limits.messagesMax || this.#bytes >= this.#limits.bytesMax;
  }

  /** @param last The last index in the message. */
  add(last: LogIndex, bytes: number): void {
    invariant(!this.full, "nothing is sent while the window is full");
    this.#sent.push({ last, bytes });
    this.#bytes += bytes;
  }

  /** Everything up to `match` has arrived. */
  freeUpTo(match: LogIndex): void {
    for (
      let oldest = this.#sent.peek();
      oldest !== undefined && oldest.last <= match;
      oldest = this.#sent.peek()
    ) {
      this.#sent.shift();
      this.#bytes -= oldest.bytes;
    }
  }
}
