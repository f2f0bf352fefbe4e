import type { Dependency, DependencyGraph, DependencyKind } from "./dependency-graph";
import type { ListTransaction } from "./list-transactions";

/** A class of cycles. Those that are worse come first; each is searched with and without real time. */
export interface CycleClass {
  readonly name: string;
  readonly meaning: string;
  /** Dependencies that may be part of the cycle. */
  readonly kinds: readonly DependencyKind[];
  /** With exactly one of these besides. */
  readonly oneOf?: DependencyKind;
}

const WITHOUT_REAL_TIME: readonly CycleClass[] = [
  { name: "G0", meaning: "writes in a circle", kinds: ["ww"] },
  { name: "G1c", meaning: "each has read or overwritten what a later one did", kinds: ["ww", "wr"] },
  { name: "G-single", meaning: "one read misses what came before it", kinds: ["ww", "wr"], oneOf: "rw" },
  { name: "G2", meaning: "reads that miss each other's writes", kinds: ["ww", "wr", "rw"] },
];

export const CYCLE_CLASSES: readonly CycleClass[] = [
  ...WITHOUT_REAL_TIME,
  ...WITHOUT_REAL_TIME.map((one) => ({
    ...one,
    name: `${one.name}-realtime`,
    meaning: `${one.meaning}, by the clock`,
    kinds: [...one.kinds, "real time"] as const,
  })),
];

export interface Cycle {
  readonly of: CycleClass;
  /** Each begins where the one before ends; the last one ends where the first begins. */
  readonly dependencies: readonly Dependency[];
}

/** The worst cycle of a graph, in its shortest form. O(nodes + dependencies) while there is none. */
export function findCycle(graph: DependencyGraph): Cycle | undefined {
  for (const of of CYCLE_CLASSES) {
    const dependencies =
      of.oneOf === undefined ? shortest(graph, of.kinds) : shortestWithOne(graph, of.kinds, of.oneOf);
    if (dependencies !== undefined) return { of, dependencies };
  }
  return undefined;
}

function shortest(
  graph: DependencyGraph,
  kinds: readonly DependencyKind[],
): readonly Dependency[] | undefined {
  for (const component of components(graph, kinds)) {
    if (component.size === 1) continue;
    const cycles = [...component].flatMap((one) => {
      const way = wayBetween(graph, kinds, one, one, component);
      return way === undefined ? [] : [way];
    });
    return cycles.reduce((a, b) => (b.length < a.length ? b : a));
  }
  return undefined;
}

function shortestWithOne(
  graph: DependencyGraph,
  kinds: readonly DependencyKind[],
  one: DependencyKind,
): readonly Dependency[] | undefined {
  let found: readonly Dependency[] | undefined;
  for (const component of components(graph, [...kinds, one])) {
    if (component.size === 1) continue;
    for (const transaction of component) {
      for (const dependency of graph.get(transaction)!) {
        if (dependency.kind !== one || !component.has(dependency.to)) continue;
        const way = wayBetween(graph, kinds, dependency.to, transaction, component);
        if (way !== undefined && (found === undefined || way.length + 1 < found.length))
          found = [dependency, ...way];
      }
    }
  }
  return found;
}

/** The shortest way, of at least one dependency, that stays inside `within`. */
function wayBetween(
  graph: DependencyGraph,
  kinds: readonly DependencyKind[],
  from: ListTransaction,
  to: ListTransaction,
  within: ReadonlySet<ListTransaction>,
): Dependency[] | undefined {
  const reachedBy = new Map<ListTransaction, Dependency>();
  let wave: ListTransaction[] = [from];
  while (wave.length > 0 && !reachedBy.has(to)) {
    const next: ListTransaction[] = [];
    for (const transaction of wave) {
      for (const dependency of graph.get(transaction)!) {
        if (!kinds.includes(dependency.kind) || !within.has(dependency.to) || reachedBy.has(dependency.to))
          continue;
        reachedBy.set(dependency.to, dependency);
        next.push(dependency.to);
      }
    }
    wave = next;
  }
  const way: Dependency[] = [];
  for (
    let step = reachedBy.get(to);
    step !== undefined;
    step = step.from === from ? undefined : reachedBy.get(step.from)
  )
    way.unshift(step);
  return way.length === 0 ? undefined : way;
}

/** Strongly connected components (Tarjan), without recursion: histories are long. */
function components(graph: DependencyGraph, kinds: readonly DependencyKind[]): Set<ListTransaction>[] {
  const index = new Map<ListTransaction, number>();
  const low = new Map<ListTransaction, number>();
  const open: ListTransaction[] = [];
  const isOpen = new Set<ListTransaction>();
  const found: Set<ListTransaction>[] = [];
  const enter = (one: ListTransaction): { one: ListTransaction; at: number } => {
    index.set(one, index.size);
    low.set(one, index.get(one)!);
    open.push(one);
    isOpen.add(one);
    return { one, at: 0 };
  };
  for (const root of graph.keys()) {
    if (index.has(root)) continue;
    const path = [enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { one } = top;
      const dependency = graph.get(one)![top.at];
      if (dependency !== undefined) {
        top.at += 1;
        if (!kinds.includes(dependency.kind)) continue;
        if (!index.has(dependency.to)) path.push(enter(dependency.to));
        else if (isOpen.has(dependency.to)) low.set(one, Math.min(low.get(one)!, index.get(dependency.to)!));
        continue;
      }
      path.pop();
      const parent = path.at(-1)?.one;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(one)!));
      if (low.get(one) !== index.get(one)) continue;
      const component = new Set(open.splice(open.lastIndexOf(one)));
      for (const member of component) isOpen.delete(member);
      found.push(component);
    }
  }
  return found;
}
