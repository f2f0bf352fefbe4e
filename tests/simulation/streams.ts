import { crc32, seededPrng, utf8, type Prng } from "@quorate/base";

const HIGH = 0x1_0000_0000;
/** What is exact in a number leaves 21 bits above the seed's 32. */
const NAME_MASK = 0x1f_ffff;

/**
 * Randomness of its own for each part of a run, so that a part that draws more or less than before, such as a fault that is left
 * out, does not shift what all others draw.
 */
export function streamOf(seed: number, name: string): Prng {
  return seededPrng((seed >>> 0) + (crc32(utf8(name)) & NAME_MASK) * HIGH);
}
