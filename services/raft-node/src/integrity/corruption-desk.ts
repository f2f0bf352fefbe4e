import type { ActorRef } from "@quorate/actor";
import { hexId, type Clock } from "@quorate/base";
import type { MemberId, RaftStatus, Term } from "@quorate/raft";
import type { AlarmRequest, AppliedPosition } from "@quorate/state-machine";
import type { Logger } from "@quorate/telemetry";
import {
  encodeAlarmRequest,
  encodeCommandBatch,
  type Damage,
  type EffectDigest,
  type IntegrityNote,
} from "@quorate/wire";
import type { AlarmClearing } from "../actors/quota-actor";
import type { NodeView, RaftMessage } from "../actors/raft-actor";
import { EffectComparison } from "./effect-comparison";
import { EffectHistory } from "./effect-history";
import type { HashVerdict } from "./hash-verdict";

export interface CorruptionDeskOptions {
  readonly memberId: MemberId;
  /** Of this start. */
  readonly incarnation: number;
  /** "manual": CORRUPT stays until somebody disarms it, though the member is sound again. */
  readonly alarmClearing: AlarmClearing;
}

export interface CorruptionDeskDependencies {
  readonly raft: ActorRef<RaftMessage>;
  readonly peers: { note(to: MemberId, note: IntegrityNote): void };
  readonly view: () => NodeView;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The others have found that this member's state is wrong: it must fence itself. */
  readonly damaged: (why: string) => void;
}

/** How long members may differ before writes are stopped because nobody can tell who is right: some heartbeats. */
const UNDECIDED_MS = 3000;
/** Whom an alarm names when no majority agrees. */
const NOBODY = 0n;

/**
 * Who is damaged, as far as this member knows: from its own comparisons while it leads, and from what damaged members say of
 * themselves before they end. The leader tells those that do not know it yet, and keeps the alarms in the log true.
 */
export class CorruptionDesk {
  readonly #history = new EffectHistory();
  readonly #comparison: EffectComparison;
  readonly #damaged = new Map<MemberId, Damage>();
  /** The newest start that was heard of each member. */
  readonly #incarnations = new Map<MemberId, number>();
  /** Who agreed with this member since it leads. */
  readonly #sound = new Set<MemberId>();
  #leadsTerm: Term | undefined;
  /**
   * "stopped": nobody can tell who is right. "raised": the alarm about it is on its way or active, or an operator has
   * disarmed it, which is theirs to decide. "settled": a majority is known.
   */
  #decision: "none" | "stopped" | "raised" | "settled" = "none";
  #removed: readonly MemberId[] = [];
  /** Whom the alarms named at the last look. */
  #alarmed: readonly bigint[] = [];
  /** An entry about alarms is on its way. */
  #proposing = false;

  constructor(
    private readonly options: CorruptionDeskOptions,
    private readonly dependencies: CorruptionDeskDependencies,
  ) {
    this.#comparison = new EffectComparison(options, { history: this.#history });
  }

  /** What goes out with answers to heartbeats; nothing while there is no sound state to speak of. */
  get digest(): EffectDigest | undefined {
    return this.dependencies.view().raft.stateIsWhole ? this.#history.newest : undefined;
  }

  /** Of the entries up to `position`. */
  applied({ index }: AppliedPosition, effectHashes: readonly number[]): void {
    this.#history.applied(index, effectHashes);
    for (const [member, digest] of this.#comparison.takeComparable()) this.#compare(member, digest);
  }

  /** The state was opened, or is another one. */
  opened({ index, effectHash }: AppliedPosition): void {
    this.#history.restart({ index, hash: effectHash });
  }

  heard(from: MemberId, incarnation: number, note: IntegrityNote): void {
    this.#incarnations.set(from, incarnation);
    const { effects, effectsWanted, receiverDamaged, senderDamaged } = note;
    if (effects !== undefined) this.#compare(from, effects);
    if (effectsWanted !== undefined) this.#answer(from, effectsWanted);
    if (senderDamaged !== undefined) this.#isDamaged(from, senderDamaged);
    if (receiverDamaged?.incarnation === this.options.incarnation) {
      this.dependencies.damaged(`member ${hexId(from)} has found that ${receiverDamaged.why}`);
    }
  }

  /** @param removed Who is no member any more, and never will be. */
  membershipApplied(removed: readonly MemberId[]): void {
    this.#removed = removed;
    for (const member of removed) this.#damaged.delete(member);
  }

  /** What a comparison of all members has brought to light, on the leader. */
  judged(verdict: HashVerdict, why: string): void {
    if (verdict.kind === "undecided") this.#stop(why);
    if (verdict.kind !== "minority") return;
    this.#decision = "settled";
    for (const member of verdict.members) {
      const incarnation = this.#incarnations.get(member) ?? 0;
      if (member === this.options.memberId) this.dependencies.damaged(why);
      else this.#isDamaged(member, { incarnation, why });
    }
    this.#tellDamaged();
  }

  /** This member is about to end: whoever leads then shall raise the alarm. */
  announce(why: string): void {
    const { memberId, incarnation } = this.options;
    const senderDamaged = { incarnation, why };
    for (const to of membersOf(this.dependencies.view().raft)) {
      if (to !== memberId) this.dependencies.peers.note(to, { senderDamaged });
    }
  }

  tick(): void {
    const { raft } = this.dependencies.view();
    const leads = raft.role === "leader" && raft.established;
    this.#noteAlarms();
    if (!leads || raft.term !== this.#leadsTerm) this.#begin(leads ? raft.term : undefined);
    if (!leads) return;
    this.#pursueDispute(raft, true);
    this.#tellDamaged();
    this.#adjustAlarms(raft);
  }

  /** Another leader has seen that a member is sound again: if this one leads next, it must not raise the alarm anew. */
  #noteAlarms(): void {
    const active = this.#corruptAlarms();
    if (this.#leadsTerm === undefined) {
      for (const id of this.#alarmed) if (!active.includes(id)) this.#damaged.delete(id as MemberId);
    }
    this.#alarmed = active;
  }

  #corruptAlarms(): bigint[] {
    const { alarms } = this.dependencies.view().condition;
    return alarms.filter(({ type }) => type === "corrupt").map(({ memberId }) => memberId);
  }

  #begin(term: Term | undefined): void {
    this.#leadsTerm = term;
    this.#sound.clear();
    this.#comparison.reset();
    this.#proposing = false;
    this.#decision = "none";
  }

  #compare(from: MemberId, digest: EffectDigest): void {
    if (this.#leadsTerm === undefined) return;
    const agrees = this.#comparison.heard(from, digest, this.dependencies.clock.now());
    if (agrees === undefined) return;
    this.#pursueDispute(this.dependencies.view().raft, !agrees);
    if (!agrees) {
      this.#sound.delete(from);
      return;
    }
    const damage = this.#damaged.get(from);
    // What it says in the start in which it was damaged proves nothing: the damage may be elsewhere in its data.
    if (damage !== undefined && (this.#incarnations.get(from) ?? 0) <= damage.incarnation) return;
    this.#damaged.delete(from);
    this.#sound.add(from);
  }

  #pursueDispute({ configuration }: RaftStatus, asks: boolean): void {
    const since = this.#comparison.disputedSince;
    if (since === undefined) return;
    const { peers, clock } = this.dependencies;
    const voters = configuration.incoming;
    const verdict = this.#comparison.judge(voters);
    const isOverdue = clock.now() - since >= UNDECIDED_MS;
    if (verdict.kind === "minority" || isOverdue) {
      const why = `states differ at log index ${this.#comparison.disputedIndex}: their effect hashes are not equal`;
      this.#comparison.close();
      return this.judged(verdict, why);
    }
    if (!asks) return;
    for (const [member, effectsWanted] of this.#comparison.questions(voters)) {
      peers.note(member, { effectsWanted });
    }
  }

  #answer(to: MemberId, index: number): void {
    const effects = this.digest === undefined ? undefined : this.#history.at(index);
    if (effects !== undefined) this.dependencies.peers.note(to, { effects });
  }

  #isDamaged(member: MemberId, damage: Damage): void {
    const known = this.#damaged.get(member);
    if (known !== undefined && known.incarnation >= damage.incarnation) return;
    this.#damaged.set(member, damage);
    this.#sound.delete(member);
    this.dependencies.logger.error("a member's data are damaged: it must not run on with them", {
      member: hexId(member),
      why: damage.why,
    });
  }

  #stop(why: string): void {
    if (this.#decision === "stopped" || this.#decision === "raised") return;
    this.#decision = "stopped";
    this.dependencies.logger.error("members differ, and no majority agrees: writes are stopped", { why });
  }

  /** Again and again, as long as it answers in the start in which it was found damaged. */
  #tellDamaged(): void {
    for (const [member, damage] of this.#damaged) {
      if (this.#incarnations.get(member) === damage.incarnation)
        this.dependencies.peers.note(member, { receiverDamaged: damage });
    }
  }

  #adjustAlarms(raft: RaftStatus): void {
    if (this.#proposing) return;
    const members = membersOf(raft);
    const active = this.#corruptAlarms();
    const wanted: bigint[] = [...this.#damaged.keys()].filter((id) => members.includes(id));
    if (this.#decision === "stopped") wanted.push(NOBODY);
    const requests = [
      ...wanted.filter((id) => !active.includes(id)).map((id) => request("activate", id)),
      ...active.filter((id) => this.#isOver(id, raft)).map((id) => request("deactivate", id)),
    ];
    if (requests.length === 0) return;
    if (this.#decision === "stopped") this.#decision = "raised";
    this.#propose(raft.term, requests);
  }

  /** Whether an alarm is not true any more. One that was raised for anything else is left to whoever has raised it. */
  #isOver(id: bigint, { configuration }: RaftStatus): boolean {
    if (this.options.alarmClearing === "manual") return false;
    if (id === NOBODY) return this.#decision === "settled";
    if (this.#removed.includes(id as MemberId)) return true;
    if (id !== this.options.memberId) return this.#sound.has(id as MemberId);
    const agreeing = configuration.incoming.filter((voter) => this.#sound.has(voter)).length + 1;
    return configuration.incoming.length > 1 && agreeing * 2 > configuration.incoming.length;
  }

  #propose(term: Term, requests: readonly AlarmRequest[]): void {
    this.#proposing = true;
    const answer = (): void => {
      this.#proposing = false;
    };
    const data = encodeCommandBatch(
      requests.map((each) => ({ kind: "alarm", bytes: encodeAlarmRequest(each) })),
    );
    this.dependencies.raft.tell({
      kind: "propose",
      expectedTerm: term,
      data,
      asker: { answer, span: undefined },
    });
  }
}

function request(action: AlarmRequest["action"], memberId: bigint): AlarmRequest {
  return { action, type: "corrupt", memberId };
}

function membersOf({ configuration }: RaftStatus): readonly MemberId[] {
  const { incoming, outgoing, learners } = configuration;
  return [...new Set([...incoming, ...outgoing, ...learners])];
}
