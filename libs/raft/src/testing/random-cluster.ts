import {
  InvariantError,
  type Prng,
  randomChance,
  randomInteger,
  randomPick,
  seededPrng,
  utf8,
} from "@quorate/base";
import { changeConfiguration, isJoint, type ConfigurationChange } from "../configuration/change";
import type { RaftEffect } from "../effect";
import type { RaftInput } from "../input";
import type { Envelope } from "../message";
import { RAFT_DEFAULTS } from "../options";
import { membersOf } from "../quorum/quorum";
import type { Configuration, LogIndex, MemberId, Term } from "../types";
import { configurationData } from "./configuration-data";
import { describeConfiguration, nameOf } from "./describe";
import { SafetyChecker } from "./safety-checker";
import { SimulatedMember } from "./simulated-member";

interface InTransit extends Envelope {
  readonly from: MemberId;
  readonly incarnation: number;
}

/** How often things that a run set must have reached did happen. */
export type Occurrence =
  | "election"
  | "commit"
  | "truncation"
  | "fetch"
  | "read"
  | "forwarded read"
  | "loss at crash"
  | "refusal"
  | "change"
  | "joint change"
  | "change refused"
  | "leader removed"
  | "transfer"
  | "transfer failed"
  | "compaction"
  | "snapshot"
  | "snapshot over a change"
  | "damaged state"
  | "lost entries"
  | "repair";

/** Each seed draws its own mix of faults: a run with all of them at once hardly ever gets anywhere. */
interface Mix {
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  /** Share of messages that the network keeps for long: a paused broker is a time machine. */
  readonly delay: number;
  readonly crash: number;
  readonly partition: number;
  /** Of 100 steps: with many, elections are common; with few, much happens in a term. */
  readonly tick: number;
  readonly diskSpeed: number;
  /** Share of inputs that change the membership, and that give the leadership away. */
  readonly change: number;
  readonly transfer: number;
  /** Of crashes that lose the state although it was synced. */
  readonly damage: number;
  /** Of crashes that lose the end of the log although it was synced. */
  readonly rot: number;
}

const NETWORK_MAX = 150;
const CHANGES = ["add-learner", "add-voter", "promote", "remove"] as const;

/** Cores under one seed: messages are lost, repeated and reordered, members crash and lose what was not written. */
export class RandomCluster {
  readonly checker: SafetyChecker;
  readonly occurrences = new Map<Occurrence, number>();
  readonly #prng: Prng;
  readonly #mix: Mix;
  readonly #members: SimulatedMember[] = [];
  #network: InTransit[] = [];
  readonly #late: InTransit[] = [];
  /** Pairs "from>to" whose messages are lost. */
  #blocked = new Set<string>();
  #effects: RaftEffect[] = [];
  /** What a crash may not take from a member's state. */
  readonly #durablyApplied = new Map<MemberId, LogIndex>();
  #nextId = 1;
  #failed = false;
  readonly #configurations = new Map<MemberId, Configuration>();
  readonly #wasLeader = new Set<MemberId>();

  constructor(seed: number) {
    const prng = seededPrng(seed);
    this.#prng = prng;
    const sometimes = (chance: number, most: number): number =>
      randomChance(prng, chance) ? (most * randomInteger(prng, 1, 100)) / 100 : 0;
    this.#mix = {
      loss: sometimes(0.5, 0.3),
      duplication: sometimes(0.5, 0.3),
      reordering: sometimes(0.5, 0.5),
      delay: sometimes(0.4, 0.1),
      crash: sometimes(0.6, 0.01),
      partition: sometimes(0.6, 0.01),
      tick: randomInteger(prng, 8, 35),
      diskSpeed: randomInteger(prng, 10, 90) / 100,
      change: sometimes(0.6, 0.05),
      transfer: sometimes(0.5, 0.02),
      damage: sometimes(0.5, 0.5),
      rot: sometimes(0.5, 0.5),
    };
    const size = randomPick(prng, [1, 2, 3, 3, 3, 4, 5, 5]);
    // Beside the founders there are members that only a change brings in.
    const spare = this.#mix.change > 0 ? randomInteger(prng, 1, 3) : 0;
    const learners = size >= 4 && randomChance(prng, 0.3) ? 1 : 0;
    const ids = Array.from({ length: size }, (_, at) => BigInt(at + 1) as MemberId);
    const configuration: Configuration = {
      incoming: ids.slice(0, size - learners),
      outgoing: [],
      learners: ids.slice(size - learners, size),
    };
    for (let id = size + 1; id <= size + spare; id += 1) ids.push(BigInt(id) as MemberId);
    this.checker = new SafetyChecker();
    const options = {
      ...RAFT_DEFAULTS,
      configuration,
      electionTimeoutTicks: randomInteger(prng, 3, 6),
      tailMax: randomPick(prng, [1, 3, 1000]),
      appendBytesMax: randomPick(prng, [60, 150, 10_000]),
      inflightMessagesMax: randomPick(prng, [1, 2, 64]),
      uncommittedBytesMax: randomPick(prng, [500, 1_000_000]),
      cacheBytesMax: randomPick(prng, [1, 300, 1_000_000]),
      applyBytesMax: randomPick(prng, [60, 10_000]),
      logKeepEntries: randomPick(prng, [1, 1, 5, 1000]),
      logKeepBytesMax: randomPick(prng, [300, 1_000_000]),
    };
    for (const memberId of ids) {
      const observe = (effect: RaftEffect): void => void this.#effects.push(effect);
      this.#members.push(new SimulatedMember({ ...options, memberId }, { prng, observe }));
    }
    this.#members.forEach((member) => this.#start(member));
  }

  /** Runs the faulty part, then heals everything and expects the cluster to work. */
  run(steps: number): void {
    for (let step = 0; step < steps && !this.#failed; step += 1) this.#randomStep();
    if (!this.#failed) this.#settle();
  }

  #randomStep(): void {
    const { crash, partition, diskSpeed, tick } = this.#mix;
    const member = randomPick(this.#prng, this.#members);
    if (!member.running) {
      if (randomChance(this.#prng, 0.05)) this.#start(member);
      return;
    }
    if (randomChance(this.#prng, crash)) return this.#crash(member);
    if (randomChance(this.#prng, partition)) return this.#partition();
    if (randomInteger(this.#prng, 0, 99) < tick) return this.#step(member, { kind: "tick" });
    if (randomChance(this.#prng, this.#mix.change)) return this.#change(member);
    if (randomChance(this.#prng, this.#mix.transfer)) return this.#transfer(member);
    const choice = randomInteger(this.#prng, 0, 99);
    if (choice < 6) this.#propose(member);
    else if (choice < 10) this.#read(member);
    else if (choice < 70) this.#deliver(randomInteger(this.#prng, 1, 6));
    else if (choice < 71)
      this.#step(member, { kind: "unreachable", member: randomPick(this.#prng, this.#members).id });
    else if (randomChance(this.#prng, diskSpeed)) this.#work(member);
  }

  #work(member: SimulatedMember): void {
    this.#guard(member, () => {
      const what = randomInteger(this.#prng, 0, 19);
      if (what < 7) member.completeWrite();
      else if (what < 12) member.completeApply();
      else if (what < 14) member.completeFetch();
      else if (what < 17) this.#snapshotWork(member, !randomChance(this.#prng, 0.2));
      else if (what < 18 && randomChance(this.#prng, 0.1)) member.giveUpViews();
      else if (member.raft.status().stateIsWhole) this.#syncState(member);
    });
  }

  #snapshotWork(member: SimulatedMember, succeeds: boolean): boolean {
    const configuration = (): string => describeConfiguration(member.raft.status().configuration);
    const before = configuration();
    const worked = member.completeSnapshotWork(succeeds);
    if (configuration() !== before) this.#note("snapshot over a change");
    return worked;
  }

  #syncState(member: SimulatedMember): void {
    this.#durablyApplied.set(member.id, member.disk.applied);
    member.syncState();
  }

  #propose(member: SimulatedMember): void {
    const { term, role } = member.raft.status();
    if (role !== "leader" && !randomChance(this.#prng, 0.1)) return;
    const count = randomInteger(this.#prng, 1, 3);
    const expectedTerm = (randomChance(this.#prng, 0.05) ? term + 1 : term) as Term;
    const inputs: RaftInput[] = [];
    for (let at = 0; at < count; at += 1) {
      const id = this.#nextId++;
      inputs.push({ kind: "propose", id, expectedTerm, data: utf8(`command-${id}`) });
    }
    this.#step(member, ...inputs);
  }

  /** Mostly sensible changes; what does not fit, the leader's rules and the state machine must sort out. */
  #change(member: SimulatedMember): void {
    const { term, role, configuration } = member.raft.status();
    if (role !== "leader" && !randomChance(this.#prng, 0.1)) return;
    // Leaders that remove themselves are the hard case.
    const voter = (): MemberId =>
      randomChance(this.#prng, 0.3) ? member.id : this.#oneOf(configuration.incoming);
    const other = (): MemberId =>
      this.#oneOf(this.#members.map(({ id }) => id).filter((id) => !configuration.incoming.includes(id)));
    const kind = randomPick(this.#prng, [...CHANGES, "replace", "replace"] as const);
    const change: ConfigurationChange =
      kind === "replace"
        ? { kind, member: voter(), by: other() }
        : { kind, member: kind === "remove" ? voter() : other() };
    // An operator does not shrink a cluster to one: such seeds would prove little.
    if (kind === "remove" && configuration.incoming.length <= 2 && randomChance(this.#prng, 0.8)) return;
    const result = changeConfiguration(configuration, change);
    if (result.ok && !this.#canLead(result.configuration, this.#damaged)) return;
    const id = this.#nextId++;
    const data = configurationData(change);
    this.#step(member, { kind: "propose-configuration", id, expectedTerm: term, data });
  }

  /** One of `ids`, or now and then (and if there is none) anybody. */
  #oneOf(ids: readonly MemberId[]): MemberId {
    const everybody = this.#members.map(({ id }) => id);
    return randomPick(this.#prng, ids.length === 0 || randomChance(this.#prng, 0.1) ? everybody : ids);
  }

  #transfer(member: SimulatedMember): void {
    if (member.raft.status().role !== "leader" && !randomChance(this.#prng, 0.1)) return;
    const to = randomPick(this.#prng, this.#members).id;
    this.#step(member, { kind: "transfer-leadership", id: this.#nextId++, to });
  }

  #read(member: SimulatedMember): void {
    const id = this.#nextId++;
    this.checker.readAsked(id);
    this.#step(member, { kind: "read-index", id });
  }

  #deliver(count: number): void {
    for (let delivered = 0; delivered < count && this.#network.length > 0; delivered += 1) this.#deliverOne();
  }

  #deliverOne(): void {
    const { loss, duplication, reordering, delay } = this.#mix;
    if (this.#late.length > 0 && randomChance(this.#prng, delay / 2)) {
      const [message] = this.#late.splice(randomInteger(this.#prng, 0, this.#late.length - 1), 1);
      this.#arrive(message!);
    }
    if (this.#network.length === 0) return;
    const at = randomChance(this.#prng, reordering)
      ? randomInteger(this.#prng, 0, this.#network.length - 1)
      : 0;
    const message = this.#network[at]!;
    if (!randomChance(this.#prng, duplication)) this.#network.splice(at, 1);
    if (randomChance(this.#prng, delay)) this.#late.push(message);
    else if (!randomChance(this.#prng, loss)) this.#arrive(message);
  }

  #arrive({ from, to, incarnation, message }: InTransit): void {
    if (this.#blocked.has(`${from}>${to}`)) return;
    const receiver = this.#members.find(({ id }) => id === to)!;
    if (receiver.running) this.#step(receiver, { kind: "receive", from, incarnation, message });
  }

  /** Heals, cuts off one member (both ways), or blocks single directions. */
  #partition(): void {
    this.#blocked.clear();
    const kind = randomInteger(this.#prng, 0, 2);
    const leader = this.#members.find((member) => member.running && member.raft.status().role === "leader");
    const alone = (leader ?? randomPick(this.#prng, this.#members)).id;
    for (const { id: from } of this.#members) {
      for (const { id: to } of this.#members) {
        const cut = kind === 1 ? from === alone || to === alone : randomChance(this.#prng, 0.3);
        if (kind > 0 && cut) this.#blocked.add(`${from}>${to}`);
      }
    }
  }

  #crash(member: SimulatedMember): void {
    if (member.writes.size > 0) this.#note("loss at crash");
    // The state machine's own writes are not synced either: it comes back at some prefix of what it had applied.
    const durable = Math.min(this.#durablyApplied.get(member.id) ?? 0, member.disk.applied);
    const isLost = durable > 0 && this.#canSpare(member) && randomChance(this.#prng, this.#mix.damage);
    const applied = isLost ? 0 : randomInteger(this.#prng, durable, member.disk.applied);
    member.crash(applied as LogIndex);
    this.#durablyApplied.set(member.id, member.disk.applied);
    if (member.disk.applied < member.disk.compacted.index) this.#note("damaged state");
    if (member.disk.entries.length === 0 || !this.#canSpare(member)) return;
    if (!randomChance(this.#prng, this.#mix.rot)) return;
    this.#note("lost entries");
    member.disk.lose(randomInteger(this.#prng, 1, Math.min(member.disk.entries.length, 20)));
  }

  /** Damaged states and logs halt a cluster if they are a majority: somebody must be left to lead it, also after a change under way. */
  #canSpare(member: SimulatedMember): boolean {
    const [newest] = [...this.#members].sort((a, b) => b.disk.applied - a.disk.applied);
    const { applied, configuration } = newest!.disk;
    const voters = membersOf(configuration);
    const isChanging = this.#members.some(
      ({ id, disk }) =>
        this.checker.logOf(id).some(({ type, index }) => type === "configuration" && index > applied) ||
        (voters.includes(id) &&
          describeConfiguration(disk.configuration) !== describeConfiguration(configuration)),
    );
    return !isChanging && this.#canLead(configuration, [...this.#damaged, member.id]);
  }

  get #damaged(): MemberId[] {
    return this.#members
      .filter(({ disk }) => disk.isCut || disk.applied < disk.compacted.index)
      .map(({ id }) => id);
  }

  #canLead({ incoming, outgoing }: Configuration, damaged: readonly MemberId[]): boolean {
    return [incoming, outgoing].every((half) => {
      const lost = half.filter((id) => damaged.includes(id)).length;
      return half.length === 0 || lost * 2 < half.length;
    });
  }

  #start(member: SimulatedMember): void {
    this.checker.started(member);
    this.#guard(member, () => member.start());
  }

  #step(member: SimulatedMember, ...inputs: readonly RaftInput[]): void {
    this.#guard(member, () => member.step(...inputs));
  }

  /** Lets a member act, then looks at everything it did. */
  #guard(member: SimulatedMember, act: () => void): void {
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
    this.#noteChange(member);
    for (const effect of effects) this.#observe(member, effect);
    const before = this.checker.committedIndex;
    this.checker.observed(member, effects, this.#members);
    if (this.checker.committedIndex > before) this.#note("commit");
    this.#failed ||= this.checker.breaches.length > 0;
  }

  #noteChange(member: SimulatedMember): void {
    const { configuration, role } = member.raft.status();
    const before = this.#configurations.get(member.id);
    this.#configurations.set(member.id, configuration);
    if (before === undefined || before === configuration || role !== "leader") {
      if (before !== configuration && this.#wasLeader.delete(member.id)) this.#note("leader removed");
    } else this.#note(isJoint(configuration) ? "joint change" : "change");
    if (role === "leader") this.#wasLeader.add(member.id);
    else this.#wasLeader.delete(member.id);
  }

  #observe(member: SimulatedMember, effect: RaftEffect): void {
    if (effect.kind === "send") {
      const { incarnation } = member.disk;
      for (const envelope of effect.envelopes)
        this.#network.push({ ...envelope, from: member.id, incarnation });
      if (this.#network.length > NETWORK_MAX) this.#network.splice(0, this.#network.length - NETWORK_MAX);
    } else if (effect.kind === "leadership") {
      if (effect.role === "leader" && !effect.established) this.#note("election");
    } else if (effect.kind === "persist") {
      if (effect.truncateFrom !== undefined) this.#note("truncation");
    } else if (effect.kind === "compact") {
      this.#note("compaction");
    } else if (effect.kind === "install-snapshot") {
      this.#note("snapshot");
      this.#durablyApplied.set(member.id, effect.index);
    } else if (effect.kind === "repaired") {
      this.#note("repair");
    } else if (effect.kind === "fetch") {
      this.#note("fetch");
    } else if (effect.kind === "read-ready") {
      this.#note(member.raft.status().role === "leader" ? "read" : "forwarded read");
    } else if (effect.kind === "proposal-refused") {
      this.#note(effect.reason === "configuration-pending" ? "change refused" : "refusal");
      this.checker.commandRefused(`command-${effect.id}`);
    } else if (effect.kind === "transfer-ended") {
      this.#note(effect.outcome === "done" ? "transfer" : "transfer failed");
    }
  }

  #note(occurrence: Occurrence): void {
    this.occurrences.set(occurrence, (this.occurrences.get(occurrence) ?? 0) + 1);
  }

  /** Everything is up, connected and fast: the cluster must elect, commit a new command and agree. */
  #settle(): void {
    this.#blocked.clear();
    for (const member of this.#members) if (!member.running) this.#start(member);
    const proposed = `command-${this.#nextId}`;
    let pending = true;
    for (let tick = 0; tick < 60 && !this.#failed; tick += 1) {
      for (const member of this.#members) this.#step(member, { kind: "tick" });
      // A view that is of no use to its receiver, because it is older than where that one's log begins, is not read.
      if (tick === 20) for (const member of this.#members) this.#guard(member, () => member.giveUpViews());
      this.#drain();
      const leader = this.#members.find((member) => member.raft.status().established);
      if (leader === undefined || !pending || tick < 40) continue;
      pending = false;
      const expectedTerm = leader.raft.status().term;
      this.#step(leader, { kind: "propose", id: this.#nextId++, expectedTerm, data: utf8(proposed) });
    }
    if (!this.#failed) this.#expectAgreement(proposed);
  }

  #drain(): void {
    for (let round = 0; round < 2000 && !this.#failed; round += 1) {
      const messages = this.#network;
      this.#network = [];
      messages.forEach((message) => this.#arrive(message));
      let worked = messages.length > 0;
      for (const member of this.#members) {
        const work = (act: () => boolean): boolean => {
          let done = false;
          this.#guard(member, () => void (done = act()));
          return done && !this.#failed;
        };
        while (
          work(
            () =>
              member.completeWrite() ||
              member.completeFetch() ||
              member.completeApply() ||
              this.#snapshotWork(member, true),
          )
        )
          worked = true;
      }
      if (!worked) return;
    }
    this.checker.breach("liveness", "a healthy cluster never comes to rest");
  }

  /** Whoever is in the leader's configuration must have caught up; the others may be anywhere. */
  #expectAgreement(proposed: string): void {
    const leader = this.#members.find((member) => member.raft.status().established);
    if (leader === undefined) return this.checker.breach("liveness", "nobody leads when healed");
    const { configuration } = leader.raft.status();
    if (isJoint(configuration)) this.checker.breach("liveness", "a joint configuration is never left");
    const members = this.#members.filter(({ id }) => membersOf(configuration).includes(id));
    const logs = members.map(({ id }) => this.checker.logOf(id));
    const last = logs[0]!.at(-1);
    if (logs.some((log) => log.at(-1)?.chain !== last?.chain))
      this.checker.breach("liveness", "logs differ when healed");
    if (Buffer.from(last?.data ?? []).toString() !== proposed) {
      this.checker.breach(
        "liveness",
        `no command is accepted when healed (${describeConfiguration(configuration)})`,
      );
    }
    for (const member of members) {
      if (member.raft.status().applied !== last?.index) {
        this.checker.breach("liveness", `${nameOf(member.id)} has not applied all`);
      }
    }
  }
}
