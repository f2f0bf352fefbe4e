import { randomChance, randomInteger } from "@quorate/base";
import type { RaftEffect } from "../../effect";
import { membersOf } from "../../quorum/quorum";
import type { Configuration, LogIndex, MemberId } from "../../types";
import { isQuorum } from "../naive-quorum";
import type { SimulatedMember } from "../simulated-member";
import type { RandomCluster } from "./random-cluster";

/** How members end, and what of them is left. */
export class RandomCrashes {
  readonly #cluster: RandomCluster;
  /** What a crash may not take from a member's state. */
  readonly #durablyApplied = new Map<MemberId, LogIndex>();
  readonly #retired = new Set<MemberId>();

  constructor(cluster: RandomCluster) {
    this.#cluster = cluster;
  }

  observe(member: SimulatedMember, effect: RaftEffect): void {
    if (effect.kind === "repaired") this.#cluster.occurrences.note("repair");
    if (effect.kind === "install-snapshot") this.#durablyApplied.set(member.id, effect.index);
  }

  syncState(member: SimulatedMember): void {
    this.#durablyApplied.set(member.id, member.disk.applied);
    member.syncState();
  }

  /** Anywhere in a turn, with any part of what is on its way to disk written. */
  crash(member: SimulatedMember): void {
    const { prng, mix, occurrences } = this.#cluster;
    if (randomChance(prng, mix.midTurn)) this.#lastTurn(member);
    if (this.#cluster.failed) return;
    if (member.writes.size > 0) occurrences.note("loss at crash");
    const counts = {
      writes: randomInteger(prng, 0, member.writes.size),
      applies: randomInteger(prng, 0, member.applies.size),
    };
    if (counts.writes > 0) occurrences.note("write that nobody was told of");
    member.reachDisk(counts);
    // The state machine's own writes are not synced either: it comes back at some prefix of what it had applied.
    const durable = Math.min(this.#durablyApplied.get(member.id) ?? 0, member.disk.applied);
    const isLost = durable > 0 && this.#canSpare(member) && randomChance(prng, mix.damage);
    const applied = isLost ? 0 : randomInteger(prng, durable, member.disk.applied);
    member.crash(applied as LogIndex);
    this.#durablyApplied.set(member.id, member.disk.applied);
    if (this.#isStateDamaged(member)) occurrences.note("damaged state");
    const { entries } = member.disk;
    if (entries.length === 0 || !this.#canSpare(member) || !randomChance(prng, mix.rot)) return;
    occurrences.note("lost entries");
    member.disk.lose(randomInteger(prng, 1, Math.min(entries.length, 20)));
  }

  /**
   * A member that was removed ends for ever, and its disk is wiped: allowed as soon as a majority of those who decide without it have
   * applied its removal, and nothing else is under way.
   */
  retire(member: SimulatedMember): void {
    const { index, configuration } = this.#cluster.checker.newest;
    if (membersOf(configuration).includes(member.id) || this.isChanging || index === 0) return;
    const knowing = this.#cluster.members.filter(({ disk }) => disk.configurationIndex >= index);
    if (
      !isQuorum(
        configuration,
        knowing.map(({ id }) => id),
      )
    )
      return;
    if (member.running) member.crash();
    this.#retired.add(member.id);
    this.#cluster.occurrences.note("member retired");
  }

  isRetired({ id }: SimulatedMember): boolean {
    return this.#retired.has(id);
  }

  isDamaged(member: SimulatedMember): boolean {
    return member.disk.isCut || this.#isStateDamaged(member);
  }

  #isStateDamaged({ disk }: SimulatedMember): boolean {
    return disk.applied < disk.compacted.index;
  }

  /** Whether those whose state and log are whole are a majority: somebody must be left to lead. */
  canLead(configuration: Configuration, without: readonly SimulatedMember[] = []): boolean {
    const whole = this.#cluster.members.filter(
      (member) => !this.isDamaged(member) && !without.includes(member),
    );
    return isQuorum(
      configuration,
      whole.map(({ id }) => id),
    );
  }

  /** Whether a change of the membership is in anybody's log that nobody has applied. */
  get isChanging(): boolean {
    const { members, checker } = this.#cluster;
    return members.some(({ id }) =>
      checker.logOf(id).some(({ type, index }) => type === "configuration" && index > checker.newest.index),
    );
  }

  /** What happens is handled, but only some of the messages that it gives rise to get out. */
  #lastTurn(member: SimulatedMember): void {
    const { prng, network, occurrences } = this.#cluster;
    const messagesMax = randomInteger(prng, 0, 2);
    const [message] = network.take().filter(({ to }) => to === member.id);
    occurrences.note("crash between messages");
    if (message === undefined)
      return this.#cluster.guard(member, () => void member.completeWrite(), messagesMax);
    const { from, incarnation } = message;
    const input = { kind: "receive", from, incarnation, message: message.message } as const;
    this.#cluster.guard(member, () => member.step(input), messagesMax);
  }

  /** Damaged states and logs halt a cluster if they are a majority, also one that a change under way ends in. */
  #canSpare(member: SimulatedMember): boolean {
    const { newest } = this.#cluster.checker;
    const voters = membersOf(newest.configuration);
    const isKnown = this.#cluster.members.every(
      ({ id, disk }) => !voters.includes(id) || disk.configurationIndex >= newest.index,
    );
    return isKnown && !this.isChanging && this.canLead(newest.configuration, [member]);
  }
}
