import { Writable } from "node:stream";
import { MessageWriter } from "./message-writer";
import { MessageReader } from "./messages";

/** A stream whose reader takes what was written only when it is told to. */
class SlowStream extends Writable {
  readonly chunks: Buffer[] = [];
  #taken: (() => void)[] = [];

  constructor(highWaterMark: number) {
    super({ highWaterMark });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    this.#taken.push(done);
  }

  take(): void {
    for (const done of this.#taken.splice(0)) done();
  }
}

function lengths(chunks: readonly Buffer[]): number[] {
  const reader = new MessageReader(undefined);
  for (const chunk of chunks) reader.push(chunk);
  const all: number[] = [];
  for (let next = reader.next(); next instanceof Uint8Array; next = reader.next()) all.push(next.length);
  return all;
}

describe("MessageWriter", () => {
  it("sends what is written in one turn as one chunk, large messages by themselves, all in order", async () => {
    const stream = new SlowStream(10_000_000);
    const writer = new MessageWriter(stream, () => undefined);
    for (const length of [1, 2, 100_000, 3, 4]) writer.write(new Uint8Array(length));
    await Promise.resolve();
    for (let at = 0; at < 10; at += 1) stream.take();
    expect(lengths(stream.chunks)).toEqual([1, 2, 100_000, 3, 4]);
    expect(stream.chunks).toHaveLength(3);
  });

  it("reads a message before it returns", async () => {
    const stream = new SlowStream(1000);
    const writer = new MessageWriter(stream, () => undefined);
    const scratch = Uint8Array.of(1);
    writer.write(scratch);
    scratch[0] = 9;
    await Promise.resolve();
    expect([...stream.chunks[0]!.subarray(5)]).toEqual([1]);
  });

  it("says when to wait, and calls once what it held back was read", async () => {
    const stream = new SlowStream(1);
    let drained = 0;
    const writer = new MessageWriter(stream, () => (drained += 1));
    expect(writer.write(new Uint8Array(10))).toBe(true);
    await Promise.resolve();
    expect(writer.write(new Uint8Array(10))).toBe(false);
    await Promise.resolve();
    expect(drained).toBe(0);
    for (let at = 0; at < 4; at += 1) {
      stream.take();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(drained).toBe(1);
    expect(writer.write(new Uint8Array(10))).toBe(true);
  });
});
