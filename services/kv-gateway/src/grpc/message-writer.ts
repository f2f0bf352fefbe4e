import type { Writable } from "node:stream";
import { EMPTY_BYTES } from "@quorate/base";
import { framed, PREFIX_BYTES, writePrefix } from "./messages";

/** Messages that are written in one turn leave together, up to so many bytes; larger ones by themselves. */
const CHUNK_BYTES = 32 * 1024;

/**
 * Writes messages to a stream. Small ones share a chunk: thousands of watchers' events are then some writes instead of
 * thousands, each of which would cost more than all else together.
 */
export class MessageWriter {
  #chunk: Uint8Array | undefined;
  #used = 0;
  #blocked = false;
  /** Whoever writes was told to wait. */
  #owesDrained = false;

  /** @param drained Called when everything was read that {@link write} returned false for. */
  constructor(
    private readonly stream: Writable,
    drained: () => void,
  ) {
    stream.on("drain", () => {
      this.#blocked = false;
      if (!this.#owesDrained) return;
      this.#owesDrained = false;
      drained();
    });
  }

  /** @param rest Follows in the same message. @returns false if nothing more should come until `drained`. The bytes are read before this returns. */
  write(message: Uint8Array, rest: Uint8Array = EMPTY_BYTES): boolean {
    const messageLength = message.length + rest.length;
    const length = PREFIX_BYTES + messageLength;
    if (length > CHUNK_BYTES) {
      this.flush();
      this.#send(framed(message, rest));
    } else {
      if (this.#used + length > CHUNK_BYTES) this.flush();
      if (this.#chunk === undefined) {
        this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
        queueMicrotask(() => this.flush());
      }
      const at = this.#used + PREFIX_BYTES;
      writePrefix(this.#chunk, this.#used, messageLength);
      this.#chunk.set(message, at);
      if (rest.length > 0) this.#chunk.set(rest, at + message.length);
      this.#used += length;
    }
    if (this.#blocked) this.#owesDrained = true;
    return !this.#blocked;
  }

  /** Sends what has been written so far. */
  flush(): void {
    const chunk = this.#chunk;
    if (chunk === undefined) return;
    this.#chunk = undefined;
    // A chunk that is hardly used would hold all its memory until the client has read it.
    const isSmall = this.#used * 2 < CHUNK_BYTES;
    this.#send(isSmall ? chunk.slice(0, this.#used) : chunk.subarray(0, this.#used));
    this.#used = 0;
  }

  #send(bytes: Uint8Array): void {
    if (this.stream.writable && !this.stream.write(bytes)) this.#blocked = true;
  }
}
