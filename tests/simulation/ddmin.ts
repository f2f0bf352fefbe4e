/**
 * A subset of `items` that still fails, by delta debugging (Zeller and Hildebrandt, 2002): it takes away ever smaller parts as
 * long as what is left fails. The result is 1-minimal, that is, taking away any one of its items makes it pass, unless the
 * bound was reached first.
 *
 * @param fails Must hold for `items`. Asked at most `runsMax` times.
 */
export function ddmin<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => boolean,
  runsMax: number,
): { readonly items: readonly T[]; readonly runs: number; readonly isMinimal: boolean } {
  let left = items;
  let parts = 2;
  let runs = 0;
  // What passes was tried with these very items before; sizes shrink, so that nothing is asked twice but by chance.
  while (left.length > 0) {
    const size = Math.ceil(left.length / parts);
    let smaller: readonly T[] | undefined;
    for (let from = 0; from < left.length && smaller === undefined; from += size) {
      if (runs === runsMax) return { items: left, runs, isMinimal: false };
      const rest = [...left.slice(0, from), ...left.slice(from + size)];
      runs += 1;
      if (fails(rest)) smaller = rest;
    }
    if (smaller !== undefined) {
      left = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(left.length, parts * 2);
  }
  return { items: left, runs, isMinimal: true };
}
