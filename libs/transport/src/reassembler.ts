import { crc32, type Clock } from "@quorate/base";
import { DeadlineWheel, WheelEntry } from "./deadline-wheel";
import { FRAGMENT_HEADER, type Fragment } from "./fragment";
import type { Headers, InboundMessage } from "./transport";

export interface ReassemblerOptions {
  /** Milliseconds from its first part until an incomplete message is given up. */
  readonly timeoutMs: number;
  /** Bound on the incomplete messages together; the oldest are given up to make room. A larger message is refused. */
  readonly bytesMax: number;
}

/** A message of which parts are missing. */
class Incomplete extends WheelEntry {
  /** Of its first part, which alone carries them. */
  subject = "";
  reply: string | undefined = undefined;
  headers: Headers | undefined = undefined;
  readonly whole: Uint8Array;
  readonly #seen: Uint8Array;
  #missing: number;

  constructor(
    readonly key: string,
    readonly first: Fragment,
    private readonly giveUp: (incomplete: Incomplete) => void,
  ) {
    super();
    this.whole = new Uint8Array(first.bytes);
    this.#seen = new Uint8Array(first.total);
    this.#missing = first.total;
  }

  get complete(): boolean {
    return this.#missing === 0;
  }

  agrees(fragment: Fragment): boolean {
    const { total, bytes, crc32: checksum } = this.first;
    return fragment.total === total && fragment.bytes === bytes && fragment.crc32 === checksum;
  }

  /** Parts may come in any order and more than once. All but the last have one size, so each place follows from its own. */
  add({ part, total, bytes }: Fragment, payload: Uint8Array): void {
    if (this.#seen[part] === 1) return;
    const offset = part === total - 1 ? bytes - payload.length : part * payload.length;
    if (offset < 0 || offset + payload.length > bytes) return;
    this.whole.set(payload, offset);
    this.#seen[part] = 1;
    this.#missing -= 1;
  }

  override expired(): void {
    this.giveUp(this);
  }
}

/**
 * Puts the parts of fragmented messages together again. Whatever does not become whole, correct and in time is dropped
 * silently, like any message that a broker loses.
 */
export class Reassembler {
  /** In order of arrival of the first part. */
  readonly #incomplete = new Map<string, Incomplete>();
  readonly #wheel: DeadlineWheel;
  #bytes = 0;
  #dropped = 0;

  constructor(
    private readonly options: ReassemblerOptions,
    dependencies: { readonly clock: Clock },
  ) {
    const tickMs = Math.max(1, options.timeoutMs / 32);
    this.#wheel = new DeadlineWheel({ tickMs, slots: 64 }, dependencies);
  }

  /** Bytes held for incomplete messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages given up since the start: late, too large, damaged, or pushed out by others. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Copies one part.
   *
   * @param scope Keeps receivers apart that get the same parts, such as two subscriptions of one client.
   * @returns The whole message if this was its last missing part; its payload is memory of its own.
   */
  add(scope: string, fragment: Fragment, message: InboundMessage): InboundMessage | undefined {
    const incomplete = this.#find(`${scope} ${fragment.id}`, fragment);
    if (incomplete === undefined) return undefined;
    if (fragment.part === 0) {
      incomplete.subject = message.subject;
      incomplete.reply = message.reply;
      incomplete.headers = withoutFragment(message.headers);
    }
    incomplete.add(fragment, message.payload);
    if (!incomplete.complete) return undefined;
    this.#remove(incomplete);
    if (crc32(incomplete.whole) !== fragment.crc32) {
      this.#dropped += 1;
      return undefined;
    }
    const { subject, reply, headers, whole } = incomplete;
    return { subject, reply, headers, payload: whole };
  }

  close(): void {
    this.#incomplete.clear();
    this.#bytes = 0;
    this.#wheel.close();
  }

  #find(key: string, fragment: Fragment): Incomplete | undefined {
    const known = this.#incomplete.get(key);
    if (known !== undefined) return known.agrees(fragment) ? known : undefined;
    if (fragment.bytes > this.options.bytesMax) {
      this.#dropped += 1;
      return undefined;
    }
    for (const oldest of this.#incomplete.values()) {
      if (this.#bytes + fragment.bytes <= this.options.bytesMax) break;
      this.#giveUp(oldest);
    }
    const incomplete = new Incomplete(key, fragment, this.#giveUp);
    this.#incomplete.set(key, incomplete);
    this.#bytes += fragment.bytes;
    this.#wheel.add(incomplete, this.options.timeoutMs);
    return incomplete;
  }

  readonly #giveUp = (incomplete: Incomplete): void => {
    this.#remove(incomplete);
    this.#dropped += 1;
  };

  #remove(incomplete: Incomplete): void {
    if (!this.#incomplete.delete(incomplete.key)) return;
    this.#bytes -= incomplete.first.bytes;
    this.#wheel.remove(incomplete);
  }
}

function withoutFragment(headers: Headers | undefined): Headers | undefined {
  if (headers === undefined) return undefined;
  const { [FRAGMENT_HEADER]: _fragment, ...rest } = headers;
  return Object.keys(rest).length === 0 ? undefined : rest;
}
