import { mendAuthority } from "./authority";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const FRAME_HEAD_BYTES = 9;
/** What a client may send in one frame before it was told otherwise. */
const FRAME_BYTES_MAX = 16_384;
/** Flow control lets a client send 64 KiB of data at first; the rest is for what surrounds it. */
const OPENING_BYTES_MAX = 256 * 1024;

const FrameType = { HEADERS: 1, SETTINGS: 4, PING: 6 } as const;
const ACK = 1;

/** As many as grpc-go lets a connection send that has no calls. */
const PINGS_MAX = 3;
/** GOAWAY: no stream was served, ENHANCE_YOUR_CALM. */
const TOO_MANY_PINGS = Buffer.concat([
  Buffer.from([0, 0, 22, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11]),
  Buffer.from("too_many_pings", "latin1"),
]);

const EMPTY_SETTINGS = Buffer.from([0, 0, 0, FrameType.SETTINGS, 0, 0, 0, 0, 0]);

/**
 * The beginning of an HTTP/2 connection, read by hand as far as its first request. Clients of etcd up to 3.4 that dial one
 * endpoint (`etcdctl endpoint status --cluster`, `defrag`) say `:authority: http://host:port`; Node's HTTP/2 refuses that, and
 * leaves no way to let it pass. Here the slashes are replaced before it sees them.
 *
 * A client may send its first request only after the server's settings, so empty ones are sent, and the confirmation of them is
 * kept from the server that takes over, which sends its own.
 */
export class Http2Opening {
  readonly #send: (bytes: Uint8Array) => void;
  #received: Buffer = Buffer.alloc(0);
  readonly #kept: Uint8Array[] = [];
  #hasPreface = false;
  #isConfirmed = false;
  #isRequested = false;
  #pings = 0;

  /** @param send To the client. */
  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** Whether the client has said that it speaks HTTP/2. */
  get isGreeted(): boolean {
    return this.#hasPreface;
  }

  /**
   * Takes what the client has sent.
   *
   * @returns what the server is to be given as received, once it can take over; `undefined` until then; "broken" if this is no
   * HTTP/2, or too much of it.
   */
  push(chunk: Buffer): Buffer | "broken" | undefined {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    if (!this.#hasPreface) {
      const { length } = PREFACE;
      if (!this.#received.subarray(0, length).equals(PREFACE.subarray(0, this.#received.length)))
        return "broken";
      if (this.#received.length < length) return undefined;
      this.#hasPreface = true;
      this.#keep(length);
      this.#send(EMPTY_SETTINGS);
    }
    while (!(this.#isConfirmed && this.#isRequested)) {
      const taken = this.#takeFrame();
      if (taken !== true) return taken === "broken" ? taken : this.#ifBearable();
    }
    return Buffer.concat([...this.#kept, this.#received]);
  }

  #ifBearable(): "broken" | undefined {
    let bytes = this.#received.length;
    for (const { length } of this.#kept) bytes += length;
    return bytes > OPENING_BYTES_MAX ? "broken" : undefined;
  }

  /** @returns whether a frame was there. */
  #takeFrame(): boolean | "broken" {
    const bytes = this.#received;
    if (bytes.length < FRAME_HEAD_BYTES) return false;
    const length = bytes.readUIntBE(0, 3);
    if (length > FRAME_BYTES_MAX) return "broken";
    const end = FRAME_HEAD_BYTES + length;
    if (bytes.length < end) return false;
    const [type, flags] = [bytes[3]!, bytes[4]!];
    const payload = bytes.subarray(FRAME_HEAD_BYTES, end);
    if (type === FrameType.SETTINGS && (flags & ACK) !== 0) {
      this.#isConfirmed = true;
      this.#received = bytes.subarray(end);
    } else if (type === FrameType.PING && (flags & ACK) === 0) {
      this.#pings += 1;
      if (this.#pings > PINGS_MAX) {
        this.#send(TOO_MANY_PINGS);
        return "broken";
      }
      this.#send(Buffer.concat([Buffer.from([0, 0, length, FrameType.PING, ACK, 0, 0, 0, 0]), payload]));
      this.#received = bytes.subarray(end);
    } else {
      if (type === FrameType.HEADERS) {
        mendAuthority(payload, flags);
        this.#isRequested = true;
      }
      this.#keep(end);
    }
    return true;
  }

  #keep(end: number): void {
    this.#kept.push(this.#received.subarray(0, end));
    this.#received = this.#received.subarray(end);
  }
}
