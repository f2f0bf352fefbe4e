// The part of HPACK (RFC 7541) that it takes to find one field in a block of headers, without knowing any other.

const PADDED = 0x08;
const PRIORITY = 0x20;
const PRIORITY_BYTES = 5;

/** Number of `:authority` in the static table. */
const AUTHORITY = 1;
const SLASH = "/".charCodeAt(0);
const HYPHEN = "-".charCodeAt(0);
/** Turns the Huffman code of a slash, 011000, into that of a hyphen, 010110. */
const SLASH_TO_HYPHEN = 0b001110;
const SLASH_CODE = 0b011000;

/**
 * The codes of what occurs in an address, by their length in bits, and between which values those of a length lie: Huffman codes
 * of HPACK are assigned in order (RFC 7541, appendix B).
 */
const CODE_LENGTHS: readonly (readonly [bits: number, first: number, last: number])[] = [
  [5, 0x00, 0x09],
  [6, 0x14, 0x2d],
  [7, 0x5c, 0x7b],
  [8, 0xf8, 0xfd],
  [10, 0x3f8, 0x3fc],
  [11, 0x7fa, 0x7fc],
  [12, 0xffa, 0xffb],
  [13, 0x1ff8, 0x1ffd],
];

/**
 * Replaces slashes in a literal `:authority` by hyphens, in place. Both forms of the string keep their length, so the tables that
 * client and server compress with stay alike. A block that cannot be read is left as it is.
 *
 * @param payload Of a HEADERS frame.
 */
export function mendAuthority(payload: Uint8Array, flags: number): void {
  let at = 0;
  if ((flags & PADDED) !== 0) at += 1;
  if ((flags & PRIORITY) !== 0) at += PRIORITY_BYTES;
  const reader = new BlockReader(payload, at);
  while (reader.hasMore) {
    const field = reader.field();
    if (field === undefined) return;
    if (field.name !== AUTHORITY || field.value === undefined) continue;
    if (field.isHuffman) mendHuffman(field.value);
    else mendPlain(field.value);
    return;
  }
}

function mendPlain(value: Uint8Array): void {
  for (let at = 0; at < value.length; at += 1) if (value[at] === SLASH) value[at] = HYPHEN;
}

function mendHuffman(value: Uint8Array): void {
  const bits = value.length * 8;
  for (let at = 0; at < bits;) {
    const code = CODE_LENGTHS.find(([length, first, last]) => {
      const read = readBits(value, at, length);
      return at + length <= bits && read >= first && read <= last;
    });
    if (code === undefined) return; // padding, or what no address holds
    const [length] = code;
    if (length === 6 && readBits(value, at, 6) === SLASH_CODE) flipBits(value, at, 6, SLASH_TO_HYPHEN);
    at += length;
  }
}

function readBits(bytes: Uint8Array, at: number, count: number): number {
  let read = 0;
  for (let bit = at; bit < at + count; bit += 1) {
    read = (read << 1) | (((bytes[bit >> 3] ?? 0xff) >> (7 - (bit & 7))) & 1);
  }
  return read;
}

function flipBits(bytes: Uint8Array, at: number, count: number, mask: number): void {
  for (let bit = 0; bit < count; bit += 1) {
    if (((mask >> (count - 1 - bit)) & 1) === 0) continue;
    const place = at + bit;
    bytes[place >> 3]! ^= 0x80 >> (place & 7);
  }
}

/** A field of a block: the number of its name, if it has one, and its value, if it is a literal. */
interface Field {
  readonly name: number;
  readonly value: Uint8Array | undefined;
  readonly isHuffman: boolean;
}

class BlockReader {
  #at: number;

  constructor(
    private readonly block: Uint8Array,
    at: number,
  ) {
    this.#at = at;
  }

  get hasMore(): boolean {
    return this.#at < this.block.length;
  }

  /** `undefined` if the block ends within the field. */
  field(): Field | undefined {
    const first = this.block[this.#at]!;
    if ((first & 0x80) !== 0) return this.#without(this.#integer(7)); // a field of the tables
    if ((first & 0xe0) === 0x20) return this.#without(this.#integer(5)); // another size of the table
    const name = this.#integer((first & 0x40) !== 0 ? 6 : 4);
    if (name === undefined) return undefined;
    if (name === 0 && this.#string() === undefined) return undefined;
    const value = this.#string();
    return value === undefined ? undefined : { name, ...value };
  }

  #without(number: number | undefined): Field | undefined {
    return number === undefined ? undefined : { name: 0, value: undefined, isHuffman: false };
  }

  #string(): Pick<Field, "value" | "isHuffman"> | undefined {
    if (!this.hasMore) return undefined;
    const isHuffman = (this.block[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    if (length === undefined || this.#at + length > this.block.length) return undefined;
    const value = this.block.subarray(this.#at, this.#at + length);
    this.#at += length;
    return { value, isHuffman };
  }

  /** @param prefix Bits of the first byte that belong to the number. */
  #integer(prefix: number): number | undefined {
    const mask = (1 << prefix) - 1;
    let value = this.block[this.#at]! & mask;
    this.#at += 1;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.block[this.#at];
      if (byte === undefined) return undefined;
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  }
}
