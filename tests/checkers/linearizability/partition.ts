import { spanContains, stepsOf, type KeySpan, type Operation } from "../history";

/**
 * Parts of a history that have no key and no lease in common. Each can be judged alone: a history is linearizable exactly if
 * those of its objects are (Herlihy and Wing, theorem 1).
 */
export function partitions(operations: readonly Operation[]): readonly (readonly Operation[])[] {
  const keys = new Set(operations.flatMap(({ request }) => spansOf(request).map(({ key }) => key)));
  const groups = new Groups();
  const nameOf = new Map<Operation, string>();
  for (const operation of operations) {
    const names = namesOf(operation, keys);
    nameOf.set(operation, names[0]!);
    for (const name of names) groups.join(names[0]!, name);
  }
  return [...Map.groupBy(operations, (operation) => groups.of(nameOf.get(operation)!)).values()];
}

function spansOf(request: Operation["request"]): readonly KeySpan[] {
  return request.kind === "txn" ? [...request.compare, ...stepsOf(request)] : stepsOf(request);
}

function namesOf({ request }: Operation, keys: ReadonlySet<string>): string[] {
  if (request.kind === "grant" || request.kind === "revoke") return [`lease ${request.lease}`];
  const names = spansOf(request).flatMap((span) => [
    `key ${span.key}`,
    ...(span.rangeEnd === undefined
      ? []
      : [...keys].filter((key) => spanContains(span, key)).map((key) => `key ${key}`)),
  ]);
  const leases = stepsOf(request).flatMap((step) => (step.kind === "put" ? (step.lease ?? []) : []));
  return [...names, ...leases.map((lease) => `lease ${lease}`)];
}

/** Names that belong together, directly or through others. */
class Groups {
  readonly #parents = new Map<string, string>();

  of(name: string): string {
    let root = name;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root))
      root = parent;
    // The way is shortened for the next one.
    for (let at = name; at !== root;) {
      const parent = this.#parents.get(at)!;
      this.#parents.set(at, root);
      at = parent;
    }
    return root;
  }

  join(a: string, b: string): void {
    const [from, to] = [this.of(a), this.of(b)];
    if (from !== to) this.#parents.set(from, to);
  }
}
