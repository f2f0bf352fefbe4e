import {
  InvariantError,
  type Prng,
  randomChance,
  randomInteger,
  randomPick,
  seededPrng,
} from "@quorate/base";
import { isJoint } from "../../configuration/change";
import type { RaftEffect } from "../../effect";
import type { RaftInput } from "../../input";
import type { RaftStatus } from "../../status";
import type { Configuration, MemberId, Role } from "../../types";
import { describeConfiguration, nameOf } from "../describe";
import { SafetyChecker } from "../safety-checker";
import { SimulatedMember } from "../simulated-member";
import { drawFaultMix, drawLimits, drawMembers, type FaultMix } from "./fault-mix";
import { OccurrenceCount } from "./occurrence";
import { RandomCrashes } from "./random-crashes";
import { type InTransit, RandomNetwork } from "./random-network";
import { RandomOperator } from "./random-operator";
import { settle } from "./settling";

/** Pauses and stalls end after at most this many steps. */
const PAUSE_STEPS_MAX = 400;

/**
 * Cores under one seed: messages are lost, repeated and reordered, members stall, pause, crash and lose what was not written, and
 * an operator changes the membership meanwhile. Everything that any of them does is shown to a checker.
 */
export class RandomCluster {
  readonly prng: Prng;
  readonly mix: FaultMix;
  readonly members: SimulatedMember[] = [];
  readonly network: RandomNetwork;
  readonly checker: SafetyChecker;
  readonly occurrences = new OccurrenceCount();
  readonly crashes: RandomCrashes;
  readonly operator: RandomOperator;
  /** Until when a process is paused, and a disk stalled. */
  readonly #pausedUntil = new Map<MemberId, number>();
  readonly #stalledUntil = new Map<MemberId, number>();
  readonly #configurations = new Map<MemberId, Configuration>();
  readonly #wasLeader = new Set<MemberId>();
  #steps = 0;
  #effects: RaftEffect[] = [];
  #failed = false;

  constructor(seed: number) {
    this.prng = seededPrng(seed);
    this.mix = drawFaultMix(this.prng);
    const { ids, configuration } = drawMembers(this.prng, this.mix);
    const limits = drawLimits(this.prng);
    this.network = new RandomNetwork(this.mix, { prng: this.prng });
    this.checker = new SafetyChecker(configuration);
    this.crashes = new RandomCrashes(this);
    this.operator = new RandomOperator(this);
    const observe = (effect: RaftEffect): void => void this.#effects.push(effect);
    for (const memberId of ids) {
      const options = { ...limits, configuration, memberId };
      this.members.push(new SimulatedMember(options, { prng: this.prng, observe }));
    }
    this.members.forEach((member) => this.start(member));
  }

  /** A rule was broken: nothing after that means anything. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Runs the faulty part, then expects what is left to work. */
  run(steps: number): void {
    while (this.#steps < steps && !this.#failed) this.#randomStep();
    if (!this.#failed) settle(this);
    this.#failed ||= this.checker.breaches.length > 0;
  }

  start(member: SimulatedMember): void {
    this.checker.started(member);
    this.guard(member, () => member.start());
  }

  step(member: SimulatedMember, ...inputs: readonly RaftInput[]): void {
    this.guard(member, () => member.step(...inputs));
  }

  arrive(message: InTransit): void {
    const receiver = this.members.find(({ id }) => id === message.to)!;
    if (!receiver.running) return;
    if (this.#isHeld(this.#pausedUntil, receiver)) return this.network.delay(message);
    const { from, incarnation } = message;
    this.step(receiver, { kind: "receive", from, incarnation, message: message.message });
  }

  /**
   * Lets a member act, then looks at everything it did.
   *
   * @param messagesMax How many of its messages get out; for a member that is about to crash.
   */
  guard(member: SimulatedMember, act: () => void, messagesMax = Infinity): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      this.checker.breach("core invariants", `${nameOf(member.id)}: ${error.message}`);
      this.#failed = true;
      return;
    }
    const effects = this.#effects;
    this.#effects = [];
    const status = member.raft.status();
    this.#noteChange(member.id, status);
    let room = messagesMax;
    for (const effect of effects) {
      this.#noteEffect(status.role, effect);
      this.crashes.observe(member, effect);
      if (effect.kind === "proposal-refused") this.checker.commandRefused(`command-${effect.id}`);
      if (effect.kind !== "send") continue;
      this.network.send(member.id, member.disk.incarnation, effect.envelopes.slice(0, room));
      room = Math.max(0, room - effect.envelopes.length);
    }
    const before = this.checker.committedIndex;
    this.checker.observed(member, status, effects, this.members);
    if (this.checker.committedIndex > before) this.occurrences.note("commit");
    this.#failed ||= this.checker.breaches.length > 0;
  }

  /** Does the next thing that concerns snapshots, if there is one. */
  snapshotWork(member: SimulatedMember, succeeds: boolean): boolean {
    const configuration = (): string => describeConfiguration(member.disk.configuration);
    const isInstall = member.snapshotWork.peek()?.kind === "install-snapshot";
    const before = isInstall ? configuration() : undefined;
    const worked = member.completeSnapshotWork(succeeds);
    if (isInstall && configuration() !== before) this.occurrences.note("snapshot over a change");
    return worked;
  }

  #randomStep(): void {
    this.#steps += 1;
    const { prng, mix } = this;
    const member = randomPick(prng, this.members);
    if (this.crashes.isRetired(member) || this.#isHeld(this.#pausedUntil, member)) return;
    if (!member.running) {
      if (randomChance(prng, 0.05)) this.start(member);
      return;
    }
    if (randomChance(prng, mix.crash)) return this.crashes.crash(member);
    if (randomChance(prng, mix.partition)) return this.#part();
    if (randomChance(prng, mix.pause)) return this.#hold(this.#pausedUntil, member);
    if (randomChance(prng, mix.diskStall)) return this.#hold(this.#stalledUntil, member);
    if (randomInteger(prng, 0, 99) < mix.tick) return this.step(member, { kind: "tick" });
    if (randomChance(prng, mix.change)) return this.operator.change(member);
    if (randomChance(prng, mix.transfer)) return this.operator.transfer(member);
    const choice = randomInteger(prng, 0, 99);
    if (choice < 6) this.operator.propose(member);
    else if (choice < 10) this.operator.read(member);
    else if (choice < 70) this.#deliver(randomInteger(prng, 1, 6));
    else if (choice < 71)
      this.step(member, { kind: "unreachable", member: randomPick(prng, this.members).id });
    else if (choice < 72) this.crashes.retire(member);
    else if (randomChance(prng, mix.diskSpeed) && !this.#isHeld(this.#stalledUntil, member))
      for (let left = randomInteger(prng, 1, 8); left > 0 && !this.#failed; left -= 1) this.#work(member);
  }

  #work(member: SimulatedMember): void {
    this.guard(member, () => {
      const what = randomInteger(this.prng, 0, 19);
      if (what < 7) member.completeWrite();
      else if (what < 12) member.completeApply();
      else if (what < 14) member.completeFetch();
      else if (what < 17) this.snapshotWork(member, !randomChance(this.prng, 0.2));
      else if (what < 18 && randomChance(this.prng, 0.1)) member.giveUpViews();
      else if (member.raft.status().stateIsWhole) this.crashes.syncState(member);
    });
  }

  #deliver(count: number): void {
    for (let delivered = 0; delivered < count; delivered += 1)
      for (const message of this.network.take()) this.arrive(message);
  }

  #part(): void {
    const leader = this.members.find((member) => member.running && member.raft.status().role === "leader");
    this.network.part(
      this.members.map(({ id }) => id),
      (leader ?? randomPick(this.prng, this.members)).id,
    );
  }

  #hold(until: Map<MemberId, number>, member: SimulatedMember): void {
    until.set(member.id, this.#steps + randomInteger(this.prng, 1, PAUSE_STEPS_MAX));
  }

  #isHeld(until: ReadonlyMap<MemberId, number>, { id }: SimulatedMember): boolean {
    return (until.get(id) ?? 0) > this.#steps;
  }

  /** No process is paused and no disk stalled any more. */
  release(): void {
    this.#pausedUntil.clear();
    this.#stalledUntil.clear();
  }

  #noteChange(id: MemberId, { configuration, role }: RaftStatus): void {
    const before = this.#configurations.get(id);
    this.#configurations.set(id, configuration);
    if (before !== undefined && before !== configuration) {
      if (role === "leader") this.occurrences.note(isJoint(configuration) ? "joint change" : "change");
      if (this.#wasLeader.has(id) && !configuration.incoming.includes(id))
        this.occurrences.note("leader removed");
      if (configuration.incoming.length === 1 && before.incoming.length === 2)
        this.occurrences.note("shrunk to one");
    }
    if (role === "leader") this.#wasLeader.add(id);
    else this.#wasLeader.delete(id);
  }

  #noteEffect(role: Role, effect: RaftEffect): void {
    const { occurrences } = this;
    switch (effect.kind) {
      case "leadership":
        if (effect.role === "leader" && !effect.established) occurrences.note("election");
        return;
      case "persist":
        if (effect.truncateFrom !== undefined) occurrences.note("truncation");
        return;
      case "compact":
        return occurrences.note("compaction");
      case "install-snapshot":
        return occurrences.note("snapshot");
      case "fetch":
        return occurrences.note("fetch");
      case "read-ready":
        return occurrences.note(role === "leader" ? "read" : "forwarded read");
      case "proposal-refused":
        return occurrences.note(effect.reason === "configuration-pending" ? "change refused" : "refusal");
      case "transfer-ended":
        return occurrences.note(effect.outcome === "done" ? "transfer" : "transfer failed");
      default:
        return;
    }
  }
}
