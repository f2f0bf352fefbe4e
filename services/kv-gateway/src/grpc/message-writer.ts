import type { Writable } from "node:stream";
import type { SharedResponses } from "../api/shared-responses";
import { framed, PREFIX_BYTES, writePrefix } from "./messages";

/** Messages that are written in one turn leave together, up to so many bytes; larger ones by themselves. */
const CHUNK_BYTES = 32 * 1024;

/**
 * Writes messages to a stream. Small ones share a chunk: thousands of watchers' events are then some writes instead of
 * thousands, each of which would cost more than all else together.
 */
export class MessageWriter {
  #chunk: Buffer | undefined;
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

  /** @returns false if nothing more should come until `drained`. The bytes are read before this returns. */
  write(message: Uint8Array): boolean {
    const length = PREFIX_BYTES + message.length;
    this.#makeRoom(length);
    if (length > CHUNK_BYTES) {
      this.#send(framed(message));
    } else {
      const at = this.#used + PREFIX_BYTES;
      const chunk = this.#chunkInUse();
      writePrefix(chunk, this.#used, message.length);
      chunk.set(message, at);
      this.#used += length;
    }
    return this.#goesOn();
  }

  /**
   * The same for many, until there are none left or the reader is slow. Alike messages are copied by the chunk and not one by
   * one, and what differs is put in afterwards: a few nanoseconds for each instead of most of a microsecond.
   */
  writeShared(messages: SharedResponses): boolean {
    while (messages.left > 0) {
      const length = PREFIX_BYTES + messages.nextLength;
      if (length > CHUNK_BYTES) {
        const goesOn = messages.sendWhole((message) => this.write(message));
        if (!goesOn) return false;
        continue;
      }
      this.#makeRoom(length);
      if (this.#blocked) break;
      const heads = messages.takeAlike(Math.floor((CHUNK_BYTES - this.#used) / length));
      this.#writeAlike(heads, messages.rest);
    }
    return this.#goesOn();
  }

  /** Messages of one length, for which there is room. */
  #writeAlike(heads: readonly Uint8Array[], rest: Uint8Array): void {
    const chunk = this.#chunkInUse();
    const from = this.#used;
    const headLength = heads[0]!.length;
    const length = PREFIX_BYTES + headLength + rest.length;
    writePrefix(chunk, from, headLength + rest.length);
    chunk.set(rest, from + PREFIX_BYTES + headLength);
    this.#used = from + heads.length * length;
    if (heads.length > 1) chunk.fill(chunk.subarray(from, from + length), from + length, this.#used);
    let at = from + PREFIX_BYTES;
    for (const head of heads) {
      for (let byte = 0; byte < headLength; byte += 1) chunk[at + byte] = head[byte]!;
      at += length;
    }
  }

  #makeRoom(length: number): void {
    if (this.#used + length > CHUNK_BYTES) this.flush();
  }

  #chunkInUse(): Buffer {
    if (this.#chunk !== undefined) return this.#chunk;
    queueMicrotask(() => this.flush());
    return (this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES));
  }

  #goesOn(): boolean {
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
    const used = chunk.subarray(0, this.#used);
    this.#send(isSmall ? new Uint8Array(used) : used);
    this.#used = 0;
  }

  #send(bytes: Uint8Array): void {
    if (this.stream.writable && !this.stream.write(bytes)) this.#blocked = true;
  }
}
