import type { Operation } from "../history";
import { operationText } from "../operation-text";
import { HistoryViolation } from "../violation";
import { findCycle, type Cycle } from "./cycle-search";
import { dependencyGraph } from "./dependency-graph";
import { listTransactions } from "./list-transactions";
import { versionOrders } from "./version-orders";

export interface ListAppendFacts {
  readonly transactions: number;
  readonly elements: number;
  readonly dependencies: number;
}

/**
 * Checks transactions that append to lists in several keys ("checker C", after Elle): the mod revisions order the versions of
 * each key, dependencies follow from what was read and appended and from real time, and a cycle among them is what no serial
 * order allows.
 *
 * @param operations Of which transactions and ranges are looked at; all must be on lists.
 * @throws {HistoryViolation} The message names the anomaly, worst first, and shows the cycle.
 */
export function checkListAppend(operations: readonly Operation[]): ListAppendFacts {
  const transactions = listTransactions(operations);
  const { orders, anomalies } = versionOrders(transactions);
  if (anomalies.length > 0) {
    const lines = anomalies.slice(0, SHOWN_MAX).map(({ kind, what }) => `  ${kind}: ${what}`);
    throw new HistoryViolation([`${anomalies.length} lists are wrong:`, ...lines].join("\n"));
  }
  const graph = dependencyGraph(transactions, orders);
  const cycle = findCycle(graph);
  if (cycle !== undefined) throw new HistoryViolation(report(cycle));
  return {
    transactions: graph.size,
    elements: [...orders.values()].reduce((sum, { elements }) => sum + elements.length, 0),
    dependencies: [...graph.values()].reduce((sum, { length }) => sum + length, 0),
  };
}

const SHOWN_MAX = 10;

function report({ of, dependencies }: Cycle): string {
  const steps = dependencies.flatMap(({ from, kind, because }) => [
    `  ${from.name}: ${operationText(from.operation)}`,
    `    --${kind}--> ${because}`,
  ]);
  return [`${of.name} (${of.meaning}):`, ...steps, `  ${dependencies[0]!.from.name}, where this began`].join(
    "\n",
  );
}
