import { randomInteger } from "@quorate/base";
import { isJoint } from "../../configuration/change";
import { membersOf } from "../../quorum/quorum";
import { describeConfiguration, nameOf } from "../describe";
import { isQuorum } from "../naive-quorum";
import type { SimulatedMember } from "../simulated-member";
import type { RandomCluster } from "./random-cluster";

/** Ticks in which a cluster without faults must elect, commit and agree: seven election timeouts at least. */
const SETTLE_TICKS = 60;
const PROPOSE_AT_TICK = 40;
const GIVE_UP_VIEWS_AT_TICK = 20;
/** Rounds of messages without time passing: more means that members answer each other for ever. */
const ROUNDS_MAX = 2000;

/** The faults are over. What decides without a minority must do so; then everybody must, and agree. */
export function settle(cluster: RandomCluster): void {
  cluster.network.heal();
  cluster.release();
  const frozen = drawMinority(cluster);
  if (frozen.length > 0) {
    const active = cluster.members.filter((member) => !frozen.includes(member));
    for (const member of frozen) if (member.running) cluster.crashes.crash(member);
    if (cluster.failed) return;
    const leader = work(cluster, active);
    if (cluster.failed) return;
    if (leader === undefined)
      return cluster.checker.breach("liveness", `nobody decides without ${namesOf(frozen)}`);
    cluster.occurrences.note("decided without a minority");
  }
  const leader = work(cluster, cluster.members);
  if (cluster.failed) return;
  if (leader === undefined) return cluster.checker.breach("liveness", "nothing is decided when healed");
  expectAgreement(cluster, leader);
}

/**
 * Members that the others can do without. Of a change that nobody has applied, or that a minority knows of, no such thing can be said: a
 * configuration counts from where it is applied.
 */
function drawMinority(cluster: RandomCluster): SimulatedMember[] {
  const { prng, members, checker, crashes } = cluster;
  const { index, configuration } = checker.newest;
  const knowing = members.filter((member) => member.disk.settled >= index && !crashes.isRetired(member));
  if (crashes.isChanging || !isQuorum(configuration, idsOf(knowing))) return [];
  const frozen: SimulatedMember[] = [];
  const voters = members.filter(({ id }) => membersOf(configuration).includes(id));
  for (let left = randomInteger(prng, 0, voters.length); left > 0; left -= 1) {
    const [member] = voters.splice(randomInteger(prng, 0, voters.length - 1), 1);
    if (crashes.canLead(configuration, [...frozen, member!])) frozen.push(member!);
  }
  return frozen;
}

/** @returns Who leads in the end, if a new command was committed. */
function work(cluster: RandomCluster, active: readonly SimulatedMember[]): SimulatedMember | undefined {
  const members = active.filter((member) => !cluster.crashes.isRetired(member));
  for (const member of members) if (!member.running) cluster.start(member);
  const leading = (): SimulatedMember | undefined =>
    members.find((member) => member.raft.status().established);
  let proposed: string | undefined;
  for (let tick = 0; tick < SETTLE_TICKS && !cluster.failed; tick += 1) {
    for (const member of members) cluster.step(member, { kind: "tick" });
    // A view that is of no use to its receiver, because it is older than where that one's log begins, is not read.
    if (tick === GIVE_UP_VIEWS_AT_TICK)
      for (const member of members) cluster.guard(member, () => member.giveUpViews());
    drain(cluster, members);
    const leader = leading();
    if (leader === undefined || proposed !== undefined || tick < PROPOSE_AT_TICK) continue;
    proposed = cluster.operator.proposeTo(leader);
  }
  const last = cluster.checker.lastCommitted;
  return last !== undefined && Buffer.from(last.data).toString() === proposed ? leading() : undefined;
}

function drain(cluster: RandomCluster, members: readonly SimulatedMember[]): void {
  for (let round = 0; round < ROUNDS_MAX && !cluster.failed; round += 1) {
    const messages = cluster.network.takeAll();
    messages.forEach((message) => cluster.arrive(message));
    let worked = messages.length > 0;
    for (const member of members) while (workOnce(cluster, member)) worked = true;
    if (!worked) return;
  }
  if (!cluster.failed) cluster.checker.breach("liveness", "a healthy cluster never comes to rest");
}

function workOnce(cluster: RandomCluster, member: SimulatedMember): boolean {
  if (!member.hasWork) return false;
  let done = false;
  cluster.guard(member, () => {
    done =
      member.completeWrite() ||
      member.completeFetch() ||
      member.completeApply() ||
      cluster.snapshotWork(member, true);
  });
  return done && !cluster.failed;
}

/** Whoever is in the leader's configuration must have caught up; the others may be anywhere. */
function expectAgreement(cluster: RandomCluster, leader: SimulatedMember): void {
  const { checker } = cluster;
  const { configuration } = leader.raft.status();
  if (isJoint(configuration)) checker.breach("liveness", "a joint configuration is never left");
  const last = checker.lastCommitted;
  for (const member of cluster.members) {
    if (!membersOf(configuration).includes(member.id)) continue;
    const who = `${nameOf(member.id)} of ${describeConfiguration(configuration)}`;
    if (checker.logOf(member.id).at(-1)?.chain !== last?.chain)
      checker.breach("liveness", `${who} has another log when healed`);
    if (member.raft.status().applied !== last?.index)
      checker.breach("liveness", `${who} has not applied all`);
  }
}

function idsOf(members: readonly SimulatedMember[]): SimulatedMember["id"][] {
  return members.map(({ id }) => id);
}

function namesOf(members: readonly SimulatedMember[]): string {
  return members.map(({ id }) => nameOf(id)).join(",");
}
