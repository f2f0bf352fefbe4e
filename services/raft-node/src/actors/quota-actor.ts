import type { Actor, ActorRef } from "@quorate/actor";
import { assertNever } from "@quorate/base";
import type { MemberId, Term } from "@quorate/raft";
import type { AlarmRequest, StoreCondition } from "@quorate/state-machine";
import { encodeAlarmRequest, encodeCommandBatch } from "@quorate/wire";
import type { Asker } from "../proposals";
import { costOfBatch, costOfBatchMax } from "../quota-cost";
import type { Leadership, RaftMessage } from "./raft-actor";

export type QuotaMessage =
  /** Time to try again what was refused. */
  | { readonly kind: "tick" }
  | { readonly kind: "leadership"; readonly leadership: Leadership }
  /** What was applied or compacted has changed it. */
  | { readonly kind: "condition"; readonly condition: StoreCondition };

/** "manual" is etcd's way: the alarm stays until somebody deactivates it. */
export type AlarmClearing = "auto" | "manual";

export interface QuotaOptions {
  /** Bytes of keys and values of all rows, history and events included; Infinity: no quota. */
  readonly quotaBytes: number;
  readonly alarmClearing: AlarmClearing;
}

export interface QuotaActorOptions extends QuotaOptions {
  readonly memberId: MemberId;
}

export interface QuotaActorDependencies {
  readonly raft: ActorRef<RaftMessage>;
  /** As it was when the state was opened. */
  readonly condition: StoreCondition;
}

/** An entry of this actor on its way into the log. */
interface AlarmProposal {
  readonly action: AlarmRequest["action"];
}

/**
 * There is space again once less than this part of the quota is used. Below 1, so that an alarm that has just gone does not
 * come back with the next write.
 */
const CLEAR_BELOW = 0.9;

/**
 * The space quota, on the leader. It refuses nothing itself, because a proposal holds the requests of many clients: in front
 * of one that would reach the quota it puts an entry that activates NOSPACE, and while that is active applying refuses
 * exactly what takes space, on every member alike. So a refusal is definite, and there is one rule for it.
 *
 * What is under way when the quota is reached is still applied: the store may exceed it by what Raft lets be uncommitted.
 */
export class QuotaActor implements Actor<QuotaMessage> {
  #leadership: { readonly term: Term; readonly established: boolean } | undefined;
  #condition: StoreCondition;
  /** The last one of this leadership, until its outcome is known. */
  #proposal: AlarmProposal | undefined;

  constructor(
    private readonly options: QuotaActorOptions,
    private readonly dependencies: QuotaActorDependencies,
  ) {
    this.#condition = dependencies.condition;
  }

  receive(message: QuotaMessage): void {
    switch (message.kind) {
      case "tick":
        return this.#clearIfRoom();
      case "leadership": {
        const { role, term, established } = message.leadership;
        if (role !== "leader" || term !== this.#leadership?.term) this.#proposal = undefined;
        this.#leadership = role === "leader" ? { term, established } : undefined;
        return;
      }
      case "condition":
        this.#condition = message.condition;
        return this.#clearIfRoom();
      default:
        assertNever(message);
    }
  }

  /** What must come right before `data` in the log, if that is to be proposed in `term`: an alarm, or nothing. */
  entryBefore(
    data: Uint8Array,
    term: Term,
  ): { readonly data: Uint8Array; readonly asker: Asker } | undefined {
    if (term !== this.#leadership?.term || !this.#reachesQuota(data)) return undefined;
    const isActive =
      this.#proposal === undefined ? this.#spaceAlarms.length > 0 : this.#proposal.action === "activate";
    if (isActive) return undefined;
    const { memberId } = this.options;
    return this.#entry("activate", [{ action: "activate", type: "no-space", memberId }]);
  }

  #reachesQuota(data: Uint8Array): boolean {
    const room = this.options.quotaBytes - this.#condition.storedBytes;
    if (costOfBatchMax(data) < room) return false; // so far from it that nobody needs to know exactly
    const cost = costOfBatch(data);
    return cost > 0 && cost >= room;
  }

  get #spaceAlarms(): StoreCondition["alarms"] {
    return this.#condition.alarms.filter(({ type }) => type === "no-space");
  }

  /** Whoever has raised it: what it says is not true any more. */
  #clearIfRoom(): void {
    const { quotaBytes, alarmClearing } = this.options;
    if (alarmClearing === "manual" || this.#leadership?.established !== true) return;
    if (this.#proposal !== undefined || this.#condition.storedBytes >= CLEAR_BELOW * quotaBytes) return;
    const alarms = this.#spaceAlarms;
    if (alarms.length === 0) return;
    const requests = alarms.map((alarm): AlarmRequest => ({ action: "deactivate", ...alarm }));
    const { term } = this.#leadership;
    const entry = this.#entry("deactivate", requests);
    this.dependencies.raft.tell({ kind: "propose", expectedTerm: term, ...entry });
  }

  #entry(
    action: AlarmRequest["action"],
    requests: readonly AlarmRequest[],
  ): { readonly data: Uint8Array; readonly asker: Asker } {
    const proposal: AlarmProposal = { action };
    this.#proposal = proposal;
    const answer = (): void => {
      if (this.#proposal === proposal) this.#proposal = undefined;
    };
    const data = encodeCommandBatch(
      requests.map((request) => ({ kind: "alarm", bytes: encodeAlarmRequest(request) })),
    );
    return { data, asker: { answer, span: undefined } };
  }
}
