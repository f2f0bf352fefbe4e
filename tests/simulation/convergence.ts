import type { Revision } from "@quorate/mvcc";
import { CLUSTER_VERSION_MAX, STATE_COLUMNS } from "@quorate/state-machine";
import type { NodeStatus } from "@quorate/wire";
import type { AppliedState } from "../../services/raft-node/src/snapshot/applied-state";
import { HistoryViolation } from "../checkers/violation";
import type { SimulatedMember } from "./simulated-member";

/** Whether all members of the leader's configuration have applied as much as it has, under the newest build's cluster version. */
export function areLevel(all: readonly SimulatedMember[]): boolean {
  const status = leaderOf(all)?.node?.status();
  const members = present(all);
  const isLevel = ({ appliedIndex, clusterVersion }: NodeStatus): boolean =>
    appliedIndex === status?.appliedIndex && clusterVersion === CLUSTER_VERSION_MAX;
  return members.length > 0 && members.every(({ node }) => node !== undefined && isLevel(node.status()));
}

/**
 * Convergence: all members stand at the same index with the same effects, and hold the same at these revisions. Who was removed
 * may be anywhere.
 *
 * @throws {HistoryViolation}
 */
export function expectAgreement(all: readonly SimulatedMember[], revisions: readonly Revision[]): void {
  const members = present(all);
  if (members.length === 0) throw new HistoryViolation("nobody leads in the end");
  const statuses = members.map((member) => member.node!.status());
  const [first] = statuses;
  for (const status of statuses) {
    if (status.clusterVersion !== CLUSTER_VERSION_MAX)
      throw new HistoryViolation(`the cluster version is ${status.clusterVersion} in the end`);
    if (status.appliedIndex !== first!.appliedIndex || status.effectHash !== first!.effectHash) {
      const seen = statuses.map((s) => `${s.appliedIndex}:${s.effectHash}`).join(" ");
      throw new HistoryViolation(`members do not agree in the end: ${seen}`);
    }
  }
  for (const revision of revisions) {
    const hashes = members.map(({ name, state }) => hashKv(name, state!, revision));
    if (new Set(hashes).size > 1)
      throw new HistoryViolation(`members differ at revision ${revision}: ${hashes.join(" ")}`);
  }
  for (const member of members) expectSettled(member);
}

/** Nothing is left over, and what it says of its size is true. */
function expectSettled({ name, node, state }: SimulatedMember): void {
  const { storedBytes, alarms } = node!.status();
  const counted = countedBytes(state!);
  if (storedBytes !== counted)
    throw new HistoryViolation(`${name} stores ${counted} bytes, and says ${storedBytes}`);
  if (alarms.length > 0) throw new HistoryViolation(`${name} is alarmed for ever`);
  const leases = state!.stateMachine.leases().length;
  if (leases > 0) throw new HistoryViolation(`${name} keeps ${leases} leases for ever`);
}

function leaderOf(members: readonly SimulatedMember[]): SimulatedMember | undefined {
  return members.find((member) => member.node?.status().leader === member.id);
}

/** Whom the leader takes for members. */
function present(members: readonly SimulatedMember[]): SimulatedMember[] {
  const ids = leaderOf(members)
    ?.node?.status()
    .members.map(({ id }) => id);
  return members.filter(({ id }) => ids?.includes(id) === true);
}

/** Of the key-values up to `revision`. */
function hashKv(name: string, { stateMachine }: AppliedState, revision: Revision): number {
  const begun = stateMachine.hashKv(revision);
  if (!begun.ok) throw new Error(`${name} has no hash of ${revision}: ${begun.error.code}`);
  using run = begun.run;
  return run.step(Number.MAX_SAFE_INTEGER)!;
}

/** What its rows of data come to, counted one by one. */
function countedBytes({ store }: AppliedState): number {
  let bytes = 0;
  for (const column of STATE_COLUMNS) {
    if (column === "meta") continue;
    using rows = store.scan(column, new Uint8Array(0), undefined);
    for (let row = rows.next(); row !== undefined; row = rows.next())
      bytes += row.key.length + row.value.length;
  }
  return bytes;
}
