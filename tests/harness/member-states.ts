import { quorate, Subjects, parseClusterName } from "@quorate/wire";

import { eventually } from "./eventually";
import { NatsCaller } from "./nats-caller";
import type { ClusterProcess, QuorateCluster } from "./quorate-cluster";

/** How far a member has come, in its own words. */
export interface MemberState {
  readonly name: string;
  readonly term: number;
  /** Name of the member that it takes for the leader. */
  readonly leader: string | undefined;
  readonly appliedIndex: number;
  readonly revision: number;
  /** Hash over the effects of all commands applied so far: equal at an index, or a replica has gone astray. */
  readonly effectHash: number;
  /** Its log lost entries that it has not got back yet. */
  readonly repairing: boolean;
}

/**
 * Asks every member until all are at the same place in the log, and returns what they say of it.
 *
 * @throws {NotInTimeError} A member does not answer, or does not catch up.
 */
export async function settledMemberStates(
  cluster: QuorateCluster,
  withinMs: number,
): Promise<readonly MemberState[]> {
  await using caller = await NatsCaller.connect(cluster.brokerUrl);
  return await eventually(
    "all members to have applied the same entries",
    { withinMs, everyMs: 100 },
    async () => {
      const states = await Promise.all(cluster.members.map((name) => memberState(cluster, caller, name)));
      const indexes = new Set(states.map(({ appliedIndex }) => appliedIndex));
      return indexes.size === 1 && states;
    },
  );
}

/**
 * Asks until a majority of the members knows the same leader of the same term, and returns the leader's name.
 *
 * @throws {NotInTimeError} There is none.
 */
export async function leaderOf(cluster: QuorateCluster, withinMs: number): Promise<string> {
  await using caller = await NatsCaller.connect(cluster.brokerUrl);
  return await eventually("a majority to know one leader", { withinMs, everyMs: 50 }, async () => {
    const answers = await Promise.allSettled(
      cluster.members.map((name) => memberState(cluster, caller, name)),
    );
    const votes = new Map<string, number>();
    for (const answer of answers) {
      if (answer.status === "rejected" || answer.value.leader === undefined) continue;
      const vote = `${answer.value.term} ${answer.value.leader}`;
      votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    const [chosen] = [...votes].filter(([, count]) => count * 2 > cluster.members.length);
    return chosen?.[0].split(" ")[1];
  });
}

/**
 * Asks one member until it has applied what it is asked for, and its log lacks nothing.
 *
 * @throws {NotInTimeError} It does not answer, or does not get there.
 */
export async function memberAt(
  cluster: QuorateCluster,
  name: string,
  appliedIndex: number,
  withinMs: number,
): Promise<MemberState> {
  await using caller = await NatsCaller.connect(cluster.brokerUrl);
  return await eventually(`${name} to have applied ${appliedIndex}`, { withinMs, everyMs: 50 }, async () => {
    const state = await memberState(cluster, caller, name);
    return state.appliedIndex >= appliedIndex && !state.repairing && state;
  });
}

const { NodeStatus, NodeStatusRequest } = quorate.internal.v1;

async function memberState(cluster: QuorateCluster, caller: NatsCaller, name: string): Promise<MemberState> {
  const subject = new Subjects(parseClusterName(cluster.name)).node(idOf(cluster.process(name)), "status");
  const { data } = await caller.request(subject, { data: NodeStatusRequest.encode({}).finish() }, 1000);
  const status = NodeStatus.decode(data);
  return {
    name,
    term: Number(status.term),
    leader: cluster.processes.find((process) => `${idOf(process)}` === status.leader.toString())?.name,
    appliedIndex: Number(status.appliedIndex),
    revision: Number(status.revision),
    effectHash: status.effectHash,
    repairing: status.repairing,
  };
}

function idOf({ memberId = "0" }: ClusterProcess): bigint {
  return BigInt(`0x${memberId}`);
}
