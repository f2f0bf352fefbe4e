import { carriedOut, isOk, type Operation } from "../history";
import { violated } from "../violation";

/**
 * Which value belongs to which mod revision, as answers tell, and what was seen of what was written. A transaction that compares
 * a mod revision means the version that was read with it.
 */
export class VersionIdentities {
  readonly #revisions = new Map<string, number>();
  readonly #known = new Set<string>();
  /** When a read, or a comparison that holds on to it, first returned with a version. */
  readonly #observedAt = new Map<string, number>();

  /** @throws {HistoryViolation} One version was told of with two revisions. */
  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      for (const comparison of operation.request.kind === "txn" ? operation.request.compare : []) {
        if (comparison.target === "value")
          this.#observe(comparison.key, comparison.equals, operation.calledAt);
      }
      if (!isOk(operation)) continue;
      for (const [step, result] of carriedOut(operation)) {
        if (step.kind === "put") this.#identify(step.key, step.value, operation.outcome.revision, operation);
        if (result.kind !== "range") continue;
        for (const { key, value, modRevision } of result.kvs) {
          this.#identify(key, value, modRevision, operation);
          this.#observe(key, value, operation.returnedAt);
        }
      }
    }
  }

  /** `undefined`: nobody was told. */
  revisionOf(key: string, value: string): number | undefined {
    return this.#revisions.get(nameOf(key, value));
  }

  /** Infinity: nobody ever saw it. */
  observedAt(key: string, value: string): number {
    return this.#observedAt.get(nameOf(key, value)) ?? Infinity;
  }

  /** Whether some version of `key` is known by `revision`. */
  knows(key: string, revision: number): boolean {
    return this.#known.has(nameOf(key, revision));
  }

  #identify(key: string, value: string, revision: number, operation: Operation): void {
    const name = nameOf(key, value);
    const known = this.#revisions.get(name);
    if (known !== undefined && known !== revision)
      violated("one version was told of with two revisions", { key, value, known, revision, operation });
    this.#revisions.set(name, revision);
    this.#known.add(nameOf(key, revision));
  }

  #observe(key: string, value: string, at: number): void {
    const name = nameOf(key, value);
    this.#observedAt.set(name, Math.min(at, this.#observedAt.get(name) ?? Infinity));
  }
}

function nameOf(key: string, value: string | number): string {
  return JSON.stringify([key, value]);
}
