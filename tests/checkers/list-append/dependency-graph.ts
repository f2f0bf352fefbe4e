import type { ListTransaction } from "./list-transactions";
import type { VersionOrder } from "./version-orders";

/**
 * Why one transaction comes before another (Adya's dependencies): it wrote what the other wrote over (ww), or read (wr), it read
 * what the other wrote over (rw), or it had returned before the other was called.
 */
export type DependencyKind = "ww" | "wr" | "rw" | "real time";

export interface Dependency {
  readonly kind: DependencyKind;
  readonly from: ListTransaction;
  readonly to: ListTransaction;
  /** In words. */
  readonly because: string;
}

/** All dependencies between transactions that took effect, by where they begin. */
export type DependencyGraph = ReadonlyMap<ListTransaction, readonly Dependency[]>;

/** @param orders Of every key that was read or written with effect. */
export function dependencyGraph(
  transactions: readonly ListTransaction[],
  orders: ReadonlyMap<string, VersionOrder>,
): DependencyGraph {
  const writers = new Set([...orders.values()].flatMap((order) => order.writers));
  // Of those with unknown outcome the ones that someone saw an element of.
  const present = transactions.filter((one) => one.status === "committed" || writers.has(one));
  const graph = new Map<ListTransaction, Dependency[]>(present.map((one) => [one, []]));
  const dependencies = [
    ...[...orders].flatMap(([key, order]) => writeDependencies(key, order)),
    ...present.flatMap((one) => readDependencies(one, orders)),
    ...realTimeDependencies(present),
  ];
  for (const dependency of dependencies) {
    if (dependency.from !== dependency.to) graph.get(dependency.from)!.push(dependency);
  }
  return graph;
}

function writeDependencies(key: string, { elements, writers }: VersionOrder): Dependency[] {
  return writers.slice(1).map((to, at) => {
    const from = writers[at]!;
    const because = `${from.name} appended ${elements[at]} to ${key}, and ${to.name} ${elements[at + 1]} behind it`;
    return { kind: "ww", from, to, because };
  });
}

function readDependencies(reader: ListTransaction, orders: ReadonlyMap<string, VersionOrder>): Dependency[] {
  return reader.reads.flatMap(({ key, elements }) => {
    const order = orders.get(key);
    const found: Dependency[] = [];
    const writer = order?.writers[elements.length - 1];
    if (writer !== undefined) {
      const because = `${reader.name} read ${key} up to ${elements.at(-1)} of ${writer.name}`;
      found.push({ kind: "wr", from: writer, to: reader, because });
    }
    const next = order?.writers[elements.length];
    if (next !== undefined) {
      const because = `${reader.name} read ${key} without ${order!.elements[elements.length]} of ${next.name}`;
      found.push({ kind: "rw", from: reader, to: next, because });
    }
    return found;
  });
}

/**
 * The few that the others follow from: a transaction comes behind those that had returned before its call, but for the ones that
 * came before one of these.
 */
function realTimeDependencies(transactions: readonly ListTransaction[]): Dependency[] {
  const moments = transactions.flatMap((transaction) => {
    const { calledAt, returnedAt } = transaction.operation;
    const call = { transaction, time: calledAt, isCall: true };
    // What was not acknowledged may have taken effect after anything.
    if (transaction.status !== "committed") return [call];
    return [call, { transaction, time: returnedAt, isCall: false }];
  });
  moments.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  const frontier = new Set<ListTransaction>();
  const before = new Map<ListTransaction, readonly ListTransaction[]>();
  const found: Dependency[] = [];
  for (const { transaction: to, isCall } of moments) {
    if (!isCall) {
      for (const from of before.get(to)!) frontier.delete(from);
      frontier.add(to);
      continue;
    }
    before.set(to, [...frontier]);
    for (const from of frontier) {
      const because = `${from.name} had returned at ${from.operation.returnedAt.toFixed(1)}, before ${to.name} was called`;
      found.push({ kind: "real time", from, to, because });
    }
  }
  return found;
}
