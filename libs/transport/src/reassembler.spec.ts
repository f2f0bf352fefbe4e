import { VirtualTime } from "@quorate/actor";
import { decodeFragment, encodeFragment, Fragmenter, type FragmentPart } from "./fragment";
import { Reassembler } from "./reassembler";
import type { InboundMessage } from "./transport";

function start(options = { timeoutMs: 1000, bytesMax: 10_000 }) {
  const time = new VirtualTime();
  const reassembler = new Reassembler(options, { clock: time });
  const add = ({ fragment, payload }: FragmentPart, scope = "s0"): InboundMessage | undefined =>
    reassembler.add(scope, fragment, { subject: "x", payload, reply: undefined, headers: undefined });
  return { time, reassembler, add };
}

const bytes = (length: number): Uint8Array => new Uint8Array(length).map((_, at) => at * 7);

describe("fragments", () => {
  const fragmenter = new Fragmenter({ idPrefix: "me", fragmentBytes: 100 });

  it("are made only of payloads above the limit", () => {
    expect([100, 101].map((length) => fragmenter.mustSplit(bytes(length)))).toEqual([false, true]);
    expect(fragmenter.split(bytes(250), false).map(({ payload }) => payload.length)).toEqual([100, 100, 50]);
  });

  it("survive the header, which refuses what no fragmenter writes", () => {
    const { fragment } = fragmenter.split(bytes(250), true)[0]!;
    expect(decodeFragment(encodeFragment(fragment))).toEqual(fragment);
    for (const text of [
      "",
      "id 0 1 10 ff",
      "id 3 3 10 ff",
      "id 0 3 2 ff",
      "id 0 3 10 xyz",
      "id -1 3 10 ff",
    ]) {
      expect(decodeFragment(text)).toBeUndefined();
    }
  });

  it.each([101, 200, 250, 1000])("become the same %i bytes in any order, parts doubled", (length) => {
    const { add, reassembler } = start();
    const payload = bytes(length);
    const parts = fragmenter.split(payload, false).reverse();
    const last = parts.pop()!;
    for (const part of parts) for (const copy of [part, part]) expect(add(copy)).toBeUndefined();
    expect([...add(last)!.payload]).toEqual([...payload]);
    expect(reassembler.bytes).toBe(0);
  });

  it("are put together for each receiver apart", () => {
    const { add } = start();
    const [first, second] = fragmenter.split(bytes(150), false);
    expect([add(first!, "s0"), add(first!, "s1"), add(second!, "s0")?.payload.length]).toEqual([
      undefined,
      undefined,
      150,
    ]);
    expect(add(second!, "s1")?.payload.length).toBe(150);
  });

  it("are dropped if the whole does not have its checksum", () => {
    const { add, reassembler } = start();
    const [first, second] = fragmenter.split(bytes(150), false);
    add(first!);
    expect(add({ ...second!, payload: new Uint8Array(50) })).toBeUndefined();
    expect([reassembler.dropped, reassembler.bytes]).toEqual([1, 0]);
  });

  it("are given up after a time", () => {
    const { time, add, reassembler } = start();
    const [first, second] = fragmenter.split(bytes(150), false);
    add(first!);
    time.advance(900);
    expect(reassembler.bytes).toBe(150);
    time.advance(200);
    expect([reassembler.dropped, reassembler.bytes]).toEqual([1, 0]);
    expect(add(second!)).toBeUndefined();
  });

  it("push out the oldest incomplete message when there is no room, and are refused when there never is", () => {
    const { add, reassembler } = start({ timeoutMs: 1000, bytesMax: 1000 });
    const [old, young, huge] = [600, 500, 1001].map((length) => fragmenter.split(bytes(length), false));
    add(old![0]!);
    add(young![0]!);
    expect([reassembler.dropped, reassembler.bytes]).toEqual([1, 500]);
    add(huge![0]!);
    expect([reassembler.dropped, reassembler.bytes]).toEqual([2, 500]);
    expect(
      young!
        .slice(1)
        .map((part) => add(part))
        .at(-1)?.payload.length,
    ).toBe(500);
  });
});
