import { gunzipSync, inflateSync } from "node:zlib";
import { definite, type RequestFailure } from "../api/request-failure";

/** etcd's largest request (1.5 MiB) and 512 KiB for what surrounds it; larger messages end in RESOURCE_EXHAUSTED. */
export const RECEIVE_BYTES_MAX = 2 * 1024 * 1024;

/** A flag that says whether the message is compressed, and four bytes of length. */
export const PREFIX_BYTES = 5;

/** In the words of grpc-go. */
export function tooLargeText(length: number): string {
  return `grpc: received message larger than max (${length} vs. ${RECEIVE_BYTES_MAX})`;
}

/** What this server can read, for `grpc-accept-encoding`. */
export const ACCEPTED_ENCODINGS = "identity,deflate,gzip";

type Decompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

const DECOMPRESSORS: Readonly<Record<string, Decompress>> = { gzip: gunzipSync, deflate: inflateSync };

/**
 * Puts the messages of one stream together out of the chunks in which they come. A message that is too long is refused as
 * soon as its length is known.
 */
export class MessageReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** @param encoding The caller's `grpc-encoding`. */
  constructor(private readonly encoding: string | undefined) {}

  /** True in the middle of a message. */
  get isPartial(): boolean {
    return this.#bytes > 0;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next message, in memory of its own; `undefined` until it is complete. */
  next(): Uint8Array | RequestFailure | undefined {
    if (this.#bytes < PREFIX_BYTES) return undefined;
    const prefix = this.#joined(PREFIX_BYTES);
    const length = prefix.readUInt32BE(1);
    if (length > RECEIVE_BYTES_MAX) return definite("message-too-large", tooLargeText(length));
    const end = PREFIX_BYTES + length;
    if (this.#bytes < end) return undefined;
    const all = this.#joined(end);
    const message = all.subarray(PREFIX_BYTES, end);
    if (all.length > end) this.#chunks[0] = all.subarray(end);
    else this.#chunks.shift();
    this.#bytes -= end;
    return prefix[0] === 0 ? Uint8Array.from(message) : this.#decompressed(message);
  }

  /** The chunks as one, if the first does not hold `bytes` bytes already. */
  #joined(bytes: number): Buffer {
    const [first] = this.#chunks;
    if (first === undefined || first.length < bytes) this.#chunks = [Buffer.concat(this.#chunks)];
    const { buffer, byteOffset, length } = this.#chunks[0]!;
    return Buffer.from(buffer, byteOffset, length);
  }

  #decompressed(message: Uint8Array): Uint8Array | RequestFailure {
    const { encoding = "identity" } = this;
    const decompress = DECOMPRESSORS[encoding];
    if (decompress === undefined) {
      const text = `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
      return definite("unimplemented", text);
    }
    try {
      return decompress(message, { maxOutputLength: RECEIVE_BYTES_MAX });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
        return definite("message-too-large", tooLargeText(RECEIVE_BYTES_MAX + 1));
      return definite(
        "unreadable-message",
        `grpc: failed to decompress the received message: ${String(error)}`,
      );
    }
  }
}

/** A message as it is sent. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(PREFIX_BYTES + message.length);
  writePrefix(frame, 0, message.length);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** What comes before a message of `length` bytes. */
export function prefixOf(length: number): Uint8Array {
  const prefix = new Uint8Array(PREFIX_BYTES);
  writePrefix(prefix, 0, length);
  return prefix;
}

export function writePrefix(target: Uint8Array, at: number, length: number): void {
  target[at] = 0;
  target[at + 1] = length >>> 24;
  target[at + 2] = length >>> 16;
  target[at + 3] = length >>> 8;
  target[at + 4] = length;
}
