/** A source of pseudo-random numbers that a seed repeats exactly. Cores take one; nothing else in them is random. */
export interface Prng {
  /** The next 32 bits, 0 to 2^32-1. */
  next(): number;
}

/** `sfc32` (Chris Doty-Humphrey's PractRand): fast, 128 bits of state, passes the usual statistical batteries. */
export function seededPrng(seed: number): Prng {
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const result = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = ((((c << 21) | (c >>> 11)) >>> 0) + result) >>> 0;
    return result;
  };
  for (let round = 0; round < 12; round += 1) next(); // mixes the seed into every bit of the state
  return { next };
}

/** An integer from `low` to `high`, both included. The bias for ranges far below 2^32 is negligible. */
export function randomInteger(prng: Prng, low: number, high: number): number {
  return low + (prng.next() % (high - low + 1));
}

/** True with probability `chance` (0 to 1). */
export function randomChance(prng: Prng, chance: number): boolean {
  return prng.next() < chance * 0x1_0000_0000;
}

/** One of `items`, which must not be empty. */
export function randomPick<T>(prng: Prng, items: readonly T[]): T {
  return items[prng.next() % items.length] as T;
}
