import type { ListTransaction, ListVersion } from "./list-transactions";

/** Something that no cycle is needed to see. */
export interface ListAnomaly {
  readonly kind: "G1a" | "G1b" | "incompatible order" | "duplicate element" | "unknown element";
  readonly what: string;
}

/** The order in which a key's elements came to be, and who appended each. */
export interface VersionOrder {
  readonly elements: readonly string[];
  readonly writers: readonly ListTransaction[];
}

/**
 * Orders the versions of each key by their mod revisions, and compares that with what lists say of themselves: each must begin
 * with the whole of the one before.
 *
 * @returns The orders, as far as lists were seen, and everything that is wrong already: elements of transactions that were
 * refused (G1a), lists with a part of what one transaction appended (G1b), lists that contradict each other.
 */
export function versionOrders(transactions: readonly ListTransaction[]): {
  readonly orders: ReadonlyMap<string, VersionOrder>;
  readonly anomalies: readonly ListAnomaly[];
} {
  const anomalies: ListAnomaly[] = [];
  const writers = writersOf(transactions);
  const orders = new Map<string, VersionOrder>();
  for (const [key, seen] of Map.groupBy(seenVersions(transactions), ({ version }) => version.key)) {
    for (const one of seen) anomalies.push(...wrongInItself(one, writers));
    anomalies.push(...contradictions(key, seen));
    const longest = seen.reduce((a, b) => (b.version.elements.length > a.version.elements.length ? b : a));
    const { elements } = longest.version;
    if (anomalies.length === 0)
      orders.set(key, {
        elements,
        writers: elements.map((element) => writers.get(nameOf(key, element))!.writer),
      });
  }
  return { orders, anomalies };
}

interface SeenVersion {
  readonly version: ListVersion;
  readonly by: ListTransaction;
}

interface Written {
  readonly writer: ListTransaction;
  /** The last element that its writer appended to the key. */
  readonly isLast: boolean;
}

/** What was read, and what committed transactions wrote. */
function seenVersions(transactions: readonly ListTransaction[]): SeenVersion[] {
  return transactions.flatMap((by) => {
    const versions = by.status === "committed" ? [...by.reads, ...by.writes] : by.reads;
    return versions.map((version) => ({ version, by }));
  });
}

function writersOf(transactions: readonly ListTransaction[]): Map<string, Written> {
  const writers = new Map<string, Written>();
  for (const writer of transactions) {
    for (const { key, appended } of writer.writes) {
      for (const [at, element] of appended.entries())
        writers.set(nameOf(key, element), { writer, isLast: at === appended.length - 1 });
    }
  }
  return writers;
}

function wrongInItself({ version, by }: SeenVersion, writers: ReadonlyMap<string, Written>): ListAnomaly[] {
  const { key, elements } = version;
  const where = `${by.name} (client ${by.operation.client}) has ${key} = [${elements.join(" ")}]`;
  const found: ListAnomaly[] = [];
  const seen = new Set<string>();
  for (const element of elements) {
    const written = writers.get(nameOf(key, element));
    if (seen.has(element)) found.push({ kind: "duplicate element", what: `${where}: ${element} twice` });
    else if (written === undefined)
      found.push({ kind: "unknown element", what: `${where}: nobody appended ${element}` });
    else if (written.writer.status === "aborted")
      found.push({
        kind: "G1a",
        what: `${where}: ${element} is of ${written.writer.name}, which was refused`,
      });
    seen.add(element);
  }
  const last = writers.get(nameOf(key, elements.at(-1) ?? ""));
  if (last !== undefined && !last.isLast)
    found.push({ kind: "G1b", what: `${where}: only a part of what ${last.writer.name} appended at once` });
  return found;
}

/** Later versions hold all that earlier ones hold, and one revision is one version. */
function contradictions(key: string, seen: readonly SeenVersion[]): ListAnomaly[] {
  const sorted = seen.toSorted((a, b) => a.version.modRevision - b.version.modRevision);
  return sorted.slice(1).flatMap((later, at): ListAnomaly[] => {
    const earlier = sorted[at]!;
    const isSame = earlier.version.modRevision === later.version.modRevision;
    const [short, long] = [earlier.version.elements, later.version.elements];
    const fits =
      short.every((element, place) => element === long[place]) &&
      (isSame ? short.length === long.length : short.length < long.length);
    if (fits) return [];
    const text = ({ version, by }: SeenVersion): string =>
      `[${version.elements.join(" ")}] at ${version.modRevision} (${by.name})`;
    return [{ kind: "incompatible order", what: `${key} was ${text(earlier)} and then ${text(later)}` }];
  });
}

function nameOf(key: string, element: string): string {
  return JSON.stringify([key, element]);
}
