import { quorate, Subjects, parseClusterName } from "@quorate/wire";

import { eventually } from "./eventually";
import { NatsCaller } from "./nats-caller";
import type { ClusterProcess, AddressedCluster } from "./quorate-cluster";

/** How far a member has come, in its own words. */
export interface OwnState {
  readonly term: number;
  /** 0: it knows of none. */
  readonly leaderId: bigint;
  readonly appliedIndex: number;
  readonly revision: number;
  /** Hash over the effects of all commands applied so far: equal at an index, or a replica has gone astray. */
  readonly effectHash: number;
  /** Its log lost entries that it has not got back yet. */
  readonly repairing: boolean;
}

export interface MemberState extends OwnState {
  readonly name: string;
  /** Name of the member that it takes for the leader. */
  readonly leader: string | undefined;
}

/** Where the members of a cluster are found. */
export interface ClusterPlace {
  readonly brokerUrl: string;
  /** Its name. */
  readonly cluster: string;
}

/**
 * Asks every member until all are at the same place in the log, and returns what they say of it.
 *
 * @throws {NotInTimeError} A member does not answer, or does not catch up.
 */
export async function settledMemberStates(
  cluster: AddressedCluster,
  withinMs: number,
): Promise<readonly MemberState[]> {
  const { members } = cluster;
  await using callers = new Callers(cluster);
  return await settled(withinMs, () =>
    Promise.all(members.map((name) => memberState(cluster, callers, name))),
  );
}

/** The same for members that only their ids are known of, in the order of `ids`. @throws {NotInTimeError} */
export async function settledStates(
  place: ClusterPlace,
  ids: readonly bigint[],
  withinMs: number,
): Promise<readonly OwnState[]> {
  await using caller = await NatsCaller.connect(place.brokerUrl);
  return await settled(withinMs, () => Promise.all(ids.map((id) => ownState(place.cluster, caller, id))));
}

function settled<State extends OwnState>(
  withinMs: number,
  ask: () => Promise<readonly State[]>,
): Promise<readonly State[]> {
  return eventually("all members to have applied the same entries", { withinMs, everyMs: 100 }, async () => {
    const states = await ask();
    const indexes = new Set(states.map(({ appliedIndex }) => appliedIndex));
    return indexes.size === 1 && states;
  });
}

/**
 * Asks until a majority of the members knows the same leader of the same term, and returns the leader's name.
 *
 * @throws {NotInTimeError} There is none.
 */
export async function leaderOf(cluster: AddressedCluster, withinMs: number): Promise<string> {
  await using callers = new Callers(cluster);
  return await eventually("a majority to know one leader", { withinMs, everyMs: 50 }, async () => {
    const answers = await Promise.allSettled(
      cluster.members.map((name) => memberState(cluster, callers, name)),
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
  cluster: AddressedCluster,
  name: string,
  appliedIndex: number,
  withinMs: number,
): Promise<MemberState> {
  await using callers = new Callers(cluster);
  return await eventually(`${name} to have applied ${appliedIndex}`, { withinMs, everyMs: 50 }, async () => {
    const state = await memberState(cluster, callers, name);
    return state.appliedIndex >= appliedIndex && !state.repairing && state;
  });
}

const { NodeStatus, NodeStatusRequest } = quorate.internal.v1;

/** One connection for all members, or one for each where the cluster says so. */
class Callers implements AsyncDisposable {
  readonly #open = new Map<string, Promise<NatsCaller>>();

  constructor(private readonly cluster: AddressedCluster) {}

  of(member: string): Promise<NatsCaller> {
    const { cluster } = this;
    const key = this.#keyOf(member);
    const caller = this.#open.get(key) ?? cluster.askAt?.(member) ?? NatsCaller.connect(cluster.brokerUrl);
    this.#open.set(key, caller);
    return caller;
  }

  /** The next time there will be another one, if members have their own: its broker may have been started again. */
  async forget(member: string): Promise<void> {
    if (this.cluster.askAt === undefined) return;
    const caller = this.#open.get(member);
    this.#open.delete(member);
    await close(caller);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.values()].map(close));
  }

  #keyOf(member: string): string {
    return this.cluster.askAt === undefined ? "" : member;
  }
}

async function close(caller: Promise<NatsCaller> | undefined): Promise<void> {
  const [opened] = await Promise.allSettled([caller]);
  if (opened.status === "fulfilled") await opened.value?.[Symbol.asyncDispose]();
}

async function memberState(cluster: AddressedCluster, callers: Callers, name: string): Promise<MemberState> {
  try {
    const caller = await callers.of(name);
    const state = await ownState(cluster.name, caller, idOf(cluster.process(name)));
    return named(state, name, cluster.processes);
  } catch (error) {
    await callers.forget(name);
    throw error;
  }
}

function named(state: OwnState, name: string, processes: readonly ClusterProcess[]): MemberState {
  const leader = processes.find(
    (process) => process.memberId !== undefined && idOf(process) === state.leaderId,
  );
  return { ...state, name, leader: leader?.name };
}

async function ownState(clusterName: string, caller: NatsCaller, id: bigint): Promise<OwnState> {
  const subject = new Subjects(parseClusterName(clusterName)).node(id, "status");
  const { data } = await caller.request(subject, { data: NodeStatusRequest.encode({}).finish() }, 1000);
  const status = NodeStatus.decode(data);
  return {
    term: Number(status.term),
    leaderId: BigInt(status.leader.toString()),
    appliedIndex: Number(status.appliedIndex),
    revision: Number(status.revision),
    effectHash: status.effectHash,
    repairing: status.repairing,
  };
}

function idOf({ memberId = "0" }: ClusterProcess): bigint {
  return BigInt(`0x${memberId}`);
}
