import type { LinkedCluster } from "../harness/linked-cluster";
import type { Fault } from "./nemeses";

/** Exit codes of a process that could not reach its broker, or whose forerunner still held its place. */
const ALWAYS_ALLOWED = [69, 75];
/** What faults may make a raft-node end with (services/raft-node/README.md): never 71, which is a broken invariant. */
const ALLOWED: Partial<Record<Fault, readonly number[]>> = {
  corruption: [70, 73, 74],
  membership: [77],
  "fsync-failure": [70],
  "disk-full": [70, 73],
};

/** Processes that ended by themselves though nothing that was done to them explains it. */
export function exitViolations(cluster: LinkedCluster, faults: ReadonlyMap<Fault, number>): string[] {
  const allowed = [...ALWAYS_ALLOWED, ...[...faults.keys()].flatMap((fault) => ALLOWED[fault] ?? [])];
  return cluster.processes.flatMap(({ name }) =>
    cluster
      .kept(name)
      .ownExits.filter((code) => code === null || !allowed.includes(code))
      .map((code) => `${name} ended by itself with ${code === null ? "a signal" : `exit code ${code}`}`),
  );
}
