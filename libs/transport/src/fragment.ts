import { crc32 } from "@quorate/base";

/** Carried by every part of a fragmented message and by nothing else: `<id> <part> <total> <bytes> <crc32>[ offer]`. */
export const FRAGMENT_HEADER = "Quorate-Fragment";

/** The answer to an offered first part: send the rest to the subject in `reply`. Holds the id of the fragmented message. */
export const ACCEPT_HEADER = "Quorate-Fragment-Accept";

export interface Fragment {
  /** Unique among all senders. */
  readonly id: string;
  /** 0 to `total - 1`. */
  readonly part: number;
  readonly total: number;
  /** Of the whole payload. */
  readonly bytes: number;
  /** Of the whole payload. */
  readonly crc32: number;
  /** True on the first part of a request: the receiver must ask for the rest. See the README. */
  readonly offered: boolean;
}

export interface FragmentPart {
  readonly fragment: Fragment;
  /** A view into the payload that was split. */
  readonly payload: Uint8Array;
}

export interface FragmenterOptions {
  /** Begins the ids; unique to this client. */
  readonly idPrefix: string;
  /** Payloads above this are split into parts of this size; the last may be smaller. At least 1. */
  readonly fragmentBytes: number;
}

/** Splits payloads that are too large for one message. */
export class Fragmenter {
  #split = 0;

  constructor(private readonly options: FragmenterOptions) {}

  mustSplit(payload: Uint8Array): boolean {
    return payload.length > this.options.fragmentBytes;
  }

  /** @param offered Marks the first part, see {@link Fragment.offered}. */
  split(payload: Uint8Array, offered: boolean): FragmentPart[] {
    const { idPrefix, fragmentBytes } = this.options;
    const id = `${idPrefix}-${this.#split.toString(36)}`;
    this.#split += 1;
    const bytes = payload.length;
    const total = Math.ceil(bytes / fragmentBytes);
    const checksum = crc32(payload);
    return Array.from({ length: total }, (_, part) => ({
      fragment: { id, part, total, bytes, crc32: checksum, offered: offered && part === 0 },
      payload: payload.subarray(part * fragmentBytes, (part + 1) * fragmentBytes),
    }));
  }
}

export function encodeFragment({ id, part, total, bytes, crc32: checksum, offered }: Fragment): string {
  return `${id} ${part} ${total} ${bytes} ${checksum.toString(16)}${offered ? " offer" : ""}`;
}

/** @returns `undefined` unless `text` describes a possible part; any peer could have sent it. */
export function decodeFragment(text: string): Fragment | undefined {
  const match = /^(\S+) (\d{1,9}) (\d{1,9}) (\d{1,12}) ([0-9a-f]{1,8})( offer)?$/.exec(text);
  if (match === null) return undefined;
  const fragment: Fragment = {
    id: match[1]!,
    part: Number(match[2]),
    total: Number(match[3]),
    bytes: Number(match[4]),
    crc32: Number.parseInt(match[5]!, 16),
    offered: match[6] !== undefined,
  };
  return fragment.total >= 2 && fragment.part < fragment.total && fragment.bytes >= fragment.total
    ? fragment
    : undefined;
}
