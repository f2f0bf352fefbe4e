/** Pairs of a set of operations and a state, found again by hash and then compared in full. */
export class VisitedStates<State> {
  readonly #byHash = new Map<number, { readonly taken: Uint32Array; readonly state: State }[]>();

  constructor(private readonly model: { equal(a: State, b: State): boolean; hash(state: State): number }) {}

  /** Remembers the pair. @param takenHash Of `taken`, which is copied. @returns False: it was there. */
  add(taken: Uint32Array, takenHash: number, state: State): boolean {
    const hash = (takenHash ^ Math.imul(this.model.hash(state), 0x01000193)) | 0;
    const found = this.#byHash.get(hash);
    if (found === undefined) {
      this.#byHash.set(hash, [{ taken: taken.slice(), state }]);
      return true;
    }
    const isKnown = found.some((one) => sameWords(one.taken, taken) && this.model.equal(one.state, state));
    if (!isKnown) found.push({ taken: taken.slice(), state });
    return !isKnown;
  }
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}
