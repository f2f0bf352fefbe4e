import { Http2Opening } from "./http2-opening";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const SETTINGS = frame(4, 0, Buffer.alloc(0));
const CONFIRMATION = frame(4, 1, Buffer.alloc(0));

function frame(type: number, flags: number, payload: Buffer, stream = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** POST in the static table, a path as a literal with a name of its own, and `:authority` as given. */
function request(authority: Buffer, flags = 0, before = Buffer.alloc(0)): Buffer {
  const path = Buffer.from([0x40, 1, "x".charCodeAt(0), 1, "y".charCodeAt(0)]);
  return frame(1, flags, Buffer.concat([before, Buffer.from([0x83]), path, authority]), 1);
}

function plain(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x41, text.length]), Buffer.from(text)]);
}

function opening(): { readonly sent: Buffer[]; readonly http2: Http2Opening } {
  const sent: Buffer[] = [];
  return { sent, http2: new Http2Opening((bytes) => void sent.push(Buffer.from(bytes))) };
}

describe("Http2Opening", () => {
  it("hands over what was received, without the confirmation of its own settings, however it is cut", () => {
    const asked = request(plain("127.0.0.1:2379"));
    const all = Buffer.concat([PREFACE, SETTINGS, CONFIRMATION, asked]);
    for (let size = 1; size <= all.length; size += 7) {
      const { http2, sent } = opening();
      let handed: ReturnType<Http2Opening["push"]>;
      for (let at = 0; at < all.length; at += size) handed = http2.push(all.subarray(at, at + size));
      expect(handed).toEqual(Buffer.concat([PREFACE, SETTINGS, asked]));
      expect(sent).toEqual([SETTINGS]);
    }
  });

  it("waits for the confirmation of a client that asks before it", () => {
    const { http2 } = opening();
    const asked = request(plain("a"));
    const data = frame(0, 1, Buffer.from("body"), 1);
    expect(http2.push(Buffer.concat([PREFACE, SETTINGS, asked, data]))).toBeUndefined();
    expect(http2.push(CONFIRMATION)).toEqual(Buffer.concat([PREFACE, SETTINGS, asked, data]));
  });

  it("makes a host of the URL that clients of etcd 3.4 say", () => {
    const { http2 } = opening();
    http2.push(Buffer.concat([PREFACE, SETTINGS, CONFIRMATION]));
    const handed = http2.push(request(plain("http://10.0.0.1:2379")));
    expect(String(handed)).toContain("http:--10.0.0.1:2379");
  });

  it("finds it behind padding and priority, and compressed", () => {
    // "http://127.0.0.1:2379" in the Huffman code of HPACK, as Go's library writes it.
    const compressed = Buffer.from("9d29aee30c042157085c0bb85c22d1f0", "hex");
    const authority = Buffer.concat([Buffer.from([0x41, 0x80 | compressed.length]), compressed]);
    const { http2 } = opening();
    http2.push(Buffer.concat([PREFACE, SETTINGS, CONFIRMATION]));
    const before = Buffer.from([0, 0, 0, 0, 0, 16]);
    const handed = http2.push(request(authority, 0x28, before)) as Buffer;
    const mended = handed.subarray(handed.length - compressed.length);
    expect(mended.toString("hex")).not.toBe(compressed.toString("hex"));
    expect(mended.subarray(5).toString("hex")).toBe(compressed.subarray(5).toString("hex"));
  });

  it("answers pings meanwhile", () => {
    const { http2, sent } = opening();
    http2.push(Buffer.concat([PREFACE, SETTINGS, CONFIRMATION, frame(6, 0, Buffer.from("12345678"))]));
    expect(sent[1]).toEqual(frame(6, 1, Buffer.from("12345678")));
  });

  it.each([
    ["no preface", Buffer.from("PRI * HTTP/1.1\r\n\r\n")],
    ["a frame that is too long", Buffer.concat([PREFACE, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0])])],
    [
      "more than a client may send",
      Buffer.concat([PREFACE, ...Array(20).fill(frame(0, 0, Buffer.alloc(16_000)))]),
    ],
  ])("breaks off at %s", (_what, bytes) => {
    expect(opening().http2.push(bytes)).toBe("broken");
  });

  it("leaves a block that ends too early to the server", () => {
    const { http2 } = opening();
    http2.push(Buffer.concat([PREFACE, SETTINGS, CONFIRMATION]));
    const cut = frame(1, 0, Buffer.from([0x41, 0x7f, 0xff]), 1);
    expect(http2.push(cut)).toEqual(Buffer.concat([PREFACE, SETTINGS, cut]));
  });
});
