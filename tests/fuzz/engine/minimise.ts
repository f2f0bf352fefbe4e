import { concatBytes } from "@quorate/base";

/** A stall is found again by stalling. */
const MS_MAX = 5_000;

/**
 * Makes `input` smaller as long as it fails: takes parts out, from halves down to single bytes, then zeroes what is left.
 *
 * @param attemptsMax How often `fails` may be asked.
 */
export function minimise(
  input: Uint8Array,
  fails: (candidate: Uint8Array) => boolean,
  attemptsMax = 2000,
): Uint8Array {
  const deadline = performance.now() + MS_MAX;
  let best = input;
  let attempts = 0;
  const take = (candidate: Uint8Array): boolean => {
    attempts += 1;
    if (attempts > attemptsMax || performance.now() > deadline || !fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let size = Math.ceil(input.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && attempts < attemptsMax;) {
      if (!take(concatBytes([best.subarray(0, at), best.subarray(at + size)]))) at += size;
    }
  }
  for (let at = 0; at < best.length && attempts < attemptsMax; at += 1) {
    if (best[at] === 0) continue;
    const zeroed = Uint8Array.from(best);
    zeroed[at] = 0;
    take(zeroed);
  }
  return best;
}
