import type { Prng } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import type { ClusterMember, MembershipChange } from "@quorate/state-machine";
import type { Transport } from "@quorate/transport";
import {
  decodeProposeResponse,
  encodeMembershipOrder,
  type MembershipOrder,
  type NodeMember,
  type Subjects,
} from "@quorate/wire";
import type { SimulatedMember } from "./simulated-member";

export interface SimulatedOperatorDependencies {
  readonly prng: Prng;
  readonly transport: Transport;
  readonly subjects: Subjects;
  /** Of the beginning, and those that may be added. */
  readonly members: readonly SimulatedMember[];
}

export type OperatorAction = "add" | "promote" | "remove" | "replace" | "move-leader";

/** As often as they are drawn. */
export const OPERATOR_ACTIONS: readonly OperatorAction[] = [
  "add",
  "add",
  "promote",
  "promote",
  "remove",
  "replace",
  "move-leader",
];
const LEARNERS_MAX = 1;

/** Changes the membership and moves the leadership as it is told, by whom it takes for the leader, and believes nobody. */
export class SimulatedOperator {
  #changes = 0;
  #transfers = 0;
  #refused = 0;

  constructor(private readonly dependencies: SimulatedOperatorDependencies) {}

  /** Orders that were carried out. */
  get changes(): number {
    return this.#changes;
  }

  get transfers(): number {
    return this.#transfers;
  }

  get refused(): number {
    return this.#refused;
  }

  /**
   * @param pick Chooses among the members that `action` may be about.
   * @returns false: nobody leads, or there is nobody to do it to.
   */
  act(action: OperatorAction, pick: number): boolean {
    const { members } = this.dependencies;
    const leader = members.find((member) => member.node?.status().leader === member.id);
    if (leader?.node === undefined) return false;
    const order = this.#order(action, pick, leader.node.status().members);
    if (order === undefined) return false;
    this.#send(leader.id, order);
    return true;
  }

  #order(
    action: OperatorAction,
    pick: number,
    known: readonly NodeMember[],
  ): MembershipOrder["order"] | undefined {
    const of = (ids: readonly MemberId[]): MemberId => ids[pick % ids.length]!;
    const voters = known.filter(({ learner }) => !learner).map(({ id }) => id);
    const learners = known.filter(({ learner }) => learner).map(({ id }) => id);
    switch (action) {
      case "add": {
        const member = this.#spare();
        return member && this.#change({ kind: "add", member, learner: true, learnersMax: LEARNERS_MAX });
      }
      case "promote":
        return learners[0] && this.#change({ kind: "promote", id: learners[0] });
      case "remove":
        return voters.length < 3 ? undefined : this.#change({ kind: "remove", id: of(voters) });
      case "replace": {
        const by = learners[0] === undefined ? this.#spare() : clusterMember(learners[0]);
        return by && this.#change({ kind: "replace", id: of(voters), by });
      }
      case "move-leader":
        return { kind: "move-leader", to: of([...voters, ...learners]) };
    }
  }

  /** A host that was never used; it is started before it is a member, and waits. */
  #spare(): ClusterMember | undefined {
    const spare = this.dependencies.members.find((member) => !member.started);
    spare?.start();
    return spare && clusterMember(spare.id);
  }

  #change(change: MembershipChange): MembershipOrder["order"] {
    const { prng } = this.dependencies;
    const changeId = BigInt(prng.next()) * 0x1_0000n + 1n;
    return { kind: "change", request: { changeId, change } };
  }

  #send(to: MemberId, order: MembershipOrder["order"]): void {
    const { transport, subjects } = this.dependencies;
    const payload = encodeMembershipOrder({ order, skipHealthCheck: false });
    transport.request(subjects.node(to, "membership"), payload, { timeoutMs: 3000 }, (result) => {
      if (result.kind !== "answer") return;
      const answer = decodeProposeResponse(result.payload);
      if (answer.kind === "refused" || answer.results[0]?.ok !== true) this.#refused += 1;
      else if (order.kind === "change") this.#changes += 1;
      else this.#transfers += 1;
    });
  }
}

function clusterMember(id: MemberId): ClusterMember {
  return { id, name: "", peerUrls: [`nats://${id}`], clientUrls: [] };
}
