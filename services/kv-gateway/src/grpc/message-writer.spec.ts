import { Writable } from "node:stream";
import { utf8 } from "@quorate/base";
import { SharedResponses } from "../api/shared-responses";
import { Chunks } from "./chunks";
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

function messages(chunks: readonly Buffer[]): Uint8Array[] {
  const reader = new MessageReader(undefined);
  for (const chunk of chunks) reader.push(chunk);
  const all: Uint8Array[] = [];
  for (let next = reader.next(); next instanceof Uint8Array; next = reader.next()) all.push(next);
  expect(reader.isPartial).toBe(false);
  return all;
}

function lengths(chunks: readonly Buffer[]): number[] {
  return messages(chunks).map(({ length }) => length);
}

describe("MessageWriter", () => {
  it("sends what is written in one turn as one chunk, large messages by themselves, all in order", async () => {
    const stream = new SlowStream(10_000_000);
    const writer = new MessageWriter(stream, { chunks: new Chunks(), drained: () => undefined });
    for (const length of [1, 2, 100_000, 3, 4]) writer.write(new Uint8Array(length));
    await Promise.resolve();
    for (let at = 0; at < 10; at += 1) stream.take();
    expect(lengths(stream.chunks)).toEqual([1, 2, 100_000, 3, 4]);
    expect(stream.chunks).toHaveLength(3);
  });

  it("reads a message before it returns", async () => {
    const stream = new SlowStream(1000);
    const writer = new MessageWriter(stream, { chunks: new Chunks(), drained: () => undefined });
    const scratch = Uint8Array.of(1);
    writer.write(scratch);
    scratch[0] = 9;
    await Promise.resolve();
    expect([...stream.chunks[0]!.subarray(5)]).toEqual([1]);
  });

  it("says when to wait, and calls once what it held back was read", async () => {
    const stream = new SlowStream(1);
    let drained = 0;
    const writer = new MessageWriter(stream, { chunks: new Chunks(), drained: () => (drained += 1) });
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

  it.each([0, 10, 300, 9_000, 40_000])(
    "puts shared messages of %d bytes and more together",
    async (bytes) => {
      const stream = new SlowStream(100_000_000);
      const writer = new MessageWriter(stream, { chunks: new Chunks(), drained: () => undefined });
      const rest = Uint8Array.from({ length: bytes }, (_, at) => at % 251);
      const heads = Array.from({ length: 500 }, (_, at) => utf8(at === 0 ? "" : String(at * 7)));
      writer.write(Uint8Array.of(1, 2, 3));
      const shared = new SharedResponses(heads, rest);
      expect(writer.writeShared(shared)).toBe(true);
      expect(shared.left).toBe(0);
      writer.write(Uint8Array.of(4));
      await Promise.resolve();
      for (let at = 0; at < 1000; at += 1) stream.take();
      const expected = [
        Buffer.of(1, 2, 3),
        ...heads.map((head) => Buffer.concat([head, rest])),
        Buffer.of(4),
      ].map((message) => message.toString("latin1"));
      expect(messages(stream.chunks).map((message) => Buffer.from(message).toString("latin1"))).toEqual(
        expected,
      );
    },
  );

  it("takes no more shared messages than its reader can be expected to read", async () => {
    const stream = new SlowStream(1);
    let drained = 0;
    const writer = new MessageWriter(stream, { chunks: new Chunks(), drained: () => (drained += 1) });
    const shared = new SharedResponses(
      Array.from({ length: 1000 }, () => Uint8Array.of(1)),
      new Uint8Array(200),
    );
    expect(writer.writeShared(shared)).toBe(false);
    expect(shared.left).toBeGreaterThan(800);
    for (let rounds = 0; shared.left > 0; rounds += 1) {
      expect(rounds).toBeLessThan(20);
      stream.take();
      await new Promise((resolve) => setImmediate(resolve));
      expect(drained).toBe(rounds + 1);
      writer.writeShared(shared);
    }
    writer.flush();
    for (let at = 0; at < 4; at += 1) {
      stream.take();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lengths(stream.chunks)).toEqual(Array.from({ length: 1000 }, () => 201));
  });

  it("uses a chunk again once its reader has it, and not after an error", async () => {
    const chunks = new Chunks();
    const stream = new SlowStream(10_000_000);
    stream.on("error", () => undefined);
    const writer = new MessageWriter(stream, { chunks, drained: () => undefined });
    writer.write(new Uint8Array(20_000));
    writer.flush();
    const [first] = stream.chunks;
    expect(chunks.take().buffer).not.toBe(first!.buffer);
    stream.take();
    await new Promise((resolve) => setImmediate(resolve));
    expect(chunks.take().buffer).toBe(first!.buffer);
    writer.write(new Uint8Array(20_000));
    writer.flush();
    stream.destroy(new Error("gone"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(chunks.take().buffer).not.toBe(stream.chunks[1]!.buffer);
  });
});
