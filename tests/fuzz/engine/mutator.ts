import { concatBytes, EMPTY_BYTES, randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";

/** Beyond this an input is cut; a few inputs are allowed {@link LARGE_BYTES_MAX}, to find work that grows with the square. */
const BYTES_MAX = 4096;
const LARGE_BYTES_MAX = 128 * 1024;
const LARGE_CHANCE = 0.002;

/** Varints at the edges of what fits into 7, 32, 53, 63 and 64 bits, one with needless length, and one that never ends. */
const VARINTS: readonly Uint8Array[] = [
  [0],
  [0x7f],
  [0x80, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  [0x80, 0x80, 0x00],
  Array<number>(11).fill(0xff),
].map((bytes) => Uint8Array.from(bytes));

const INTEGERS: readonly bigint[] = [
  0n,
  1n,
  0xffn,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

type Mutation = (input: Uint8Array, prng: Prng, others: Others) => Uint8Array;

interface Others {
  readonly dictionary: readonly Uint8Array[];
  /** Another input of the pool. */
  readonly pick: () => Uint8Array;
}

const MUTATIONS: readonly Mutation[] = [
  (input, prng) => changed(input, prng, (byte) => byte ^ (1 << randomInteger(prng, 0, 7))),
  (input, prng) => changed(input, prng, () => randomInteger(prng, 0, 255)),
  // One more or less: in a length it is the lie that is hardest to see.
  (input, prng) => changed(input, prng, (byte) => byte + (randomChance(prng, 0.5) ? 1 : -1)),
  (input, prng) => spliced(input, place(input, prng), 0, randomBytes(prng, randomInteger(prng, 1, 8))),
  (input, prng) => spliced(input, place(input, prng), randomInteger(prng, 1, 16)),
  (input, prng) => input.slice(0, place(input, prng)),
  (input, prng) => repeated(input, prng, randomInteger(prng, 1, 8)),
  (input, prng) => spliced(input, place(input, prng), randomInteger(prng, 0, 5), randomPick(prng, VARINTS)),
  (input, prng) => {
    const integer = fixedInteger(prng);
    return spliced(input, place(input, prng), integer.length, integer);
  },
  (input, prng) => wrapped(input, randomInteger(prng, 1, 12)),
  (input, prng, { pick }) => crossed(input, pick(), prng),
  (input, prng, { dictionary }) => {
    if (dictionary.length === 0) return input;
    const word = randomPick(prng, dictionary);
    return spliced(input, place(input, prng), randomChance(prng, 0.5) ? 0 : word.length, word);
  },
];

/** An input made from `input` by some mutations, the same for the same `prng`. */
export function mutated(input: Uint8Array, prng: Prng, others: Others): Uint8Array {
  let bytes = input;
  const isLarge = randomChance(prng, LARGE_CHANCE);
  const rounds = 1 + (prng.next() % 4);
  for (let round = 0; round < rounds; round += 1)
    bytes = randomPick(prng, MUTATIONS)(bytes, prng, others).subarray(0, LARGE_BYTES_MAX);
  if (isLarge)
    while (bytes.length > 0 && bytes.length < LARGE_BYTES_MAX / 2) bytes = repeated(bytes, prng, 16);
  return Uint8Array.from(bytes.subarray(0, isLarge ? LARGE_BYTES_MAX : BYTES_MAX));
}

/** As a field of `number` that holds a message: as often as wanted, one in the other. */
export function wrapped(input: Uint8Array, number: number): Uint8Array {
  return concatBytes([varint(number * 8 + 2), varint(input.length), input]);
}

/** A field of any kind whose number no message of ours has. */
export function unknownField(prng: Prng): Uint8Array {
  const number = 100_000 + randomInteger(prng, 0, 1000);
  const content = randomBytes(prng, randomInteger(prng, 0, 40));
  switch (randomInteger(prng, 0, 3)) {
    case 0:
      return concatBytes([varint(number * 8), varint(prng.next())]);
    case 1:
      return concatBytes([varint(number * 8 + 1), randomBytes(prng, 8)]);
    case 2:
      return concatBytes([varint(number * 8 + 5), randomBytes(prng, 4)]);
    default:
      return concatBytes([varint(number * 8 + 2), varint(content.length), content]);
  }
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

function fixedInteger(prng: Prng): Uint8Array {
  const bytes = Buffer.alloc(8);
  const value = randomPick(prng, INTEGERS);
  if (randomChance(prng, 0.5)) bytes.writeBigUInt64BE(value);
  else bytes.writeBigUInt64LE(value);
  const width = randomPick(prng, [2, 4, 8]);
  return Uint8Array.from(randomChance(prng, 0.5) ? bytes.subarray(0, width) : bytes.subarray(8 - width));
}

function changed(input: Uint8Array, prng: Prng, change: (byte: number) => number): Uint8Array {
  if (input.length === 0) return randomBytes(prng, 4);
  const bytes = Uint8Array.from(input);
  const at = prng.next() % bytes.length;
  bytes[at] = change(bytes[at]!);
  return bytes;
}

function repeated(input: Uint8Array, prng: Prng, times: number): Uint8Array {
  const from = place(input, prng);
  const part = input.subarray(from, from + randomInteger(prng, 1, 64));
  return spliced(input, from, 0, concatBytes(Array<Uint8Array>(times).fill(part)));
}

function crossed(left: Uint8Array, right: Uint8Array, prng: Prng): Uint8Array {
  return concatBytes([left.subarray(0, place(left, prng)), right.subarray(place(right, prng))]);
}

function spliced(
  input: Uint8Array,
  at: number,
  removed: number,
  added: Uint8Array = EMPTY_BYTES,
): Uint8Array {
  return concatBytes([input.subarray(0, at), added, input.subarray(at + removed)]);
}

function place(input: Uint8Array, prng: Prng): number {
  return prng.next() % (input.length + 1);
}

function randomBytes(prng: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => randomInteger(prng, 0, 255));
}
