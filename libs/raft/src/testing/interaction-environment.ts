import { parseHexId, utf8 } from "@quorate/base";
import type { TranscriptCommand } from "@quorate/testing";
import type { Envelope } from "../message";
import { RAFT_DEFAULTS, type RaftOptions } from "../options";
import type { LogIndex, MemberId, Term } from "../types";
import {
  describeConfiguration,
  describeEffect,
  describeEntries,
  describeMessage,
  describeStatus,
  nameOf,
} from "./describe";
import { SimulatedMember } from "./simulated-member";

interface InTransit extends Envelope {
  readonly from: MemberId;
  readonly incarnation: number;
}

/** Names in transcripts of the options that scenarios change. */
const OPTION_NAMES: Readonly<Record<string, keyof RaftOptions>> = {
  "append-bytes": "appendBytesMax",
  "inflight-messages": "inflightMessagesMax",
  "inflight-bytes": "inflightBytesMax",
  "uncommitted-bytes": "uncommittedBytesMax",
  "cache-bytes": "cacheBytesMax",
  "pending-reads": "pendingReadsMax",
  "keep-entries": "logKeepEntries",
  "keep-bytes": "logKeepBytesMax",
  heartbeat: "heartbeatTicks",
};

/**
 * A cluster that does nothing by itself: a transcript says which messages arrive, which writes complete, and when time
 * passes. Election timeouts are fixed: 13 ticks for n1, 14 for n2, and so on, with a minimum of 10.
 */
export class InteractionEnvironment {
  readonly #members = new Map<string, SimulatedMember>();
  #network: InTransit[] = [];
  #output: string[] = [];
  #nextProposal = 1;

  run(command: TranscriptCommand): string {
    this.#output = [];
    this.#perform(command);
    return this.#output.join("\n");
  }

  #perform(command: TranscriptCommand): void {
    switch (command.name) {
      case "add-nodes":
        return this.#addNodes(command);
      case "tick":
        return this.#repeat(command, (member) => member.step({ kind: "tick" }));
      case "campaign":
        return this.#campaign(this.#one(command));
      case "propose":
        return this.#propose(command);
      case "change":
        return this.#change(command);
      case "transfer": {
        const to = this.#id(command.positional[1]);
        return this.#one(command).step({ kind: "transfer-leadership", id: this.#nextProposal++, to });
      }
      case "timeout-now": {
        const [from, to] = command.positional;
        const message = { kind: "timeout-now", term: this.#number(command, "term", 0) as Term } as const;
        return this.#arrive({ from: this.#id(from), to: this.#id(to), incarnation: 1, message });
      }
      case "configuration":
        return this.#each(command).forEach((member) => {
          const { configuration } = member.raft.status();
          this.#say(`${nameOf(member.id)} ${describeConfiguration(configuration)}`);
        });
      case "read":
        return this.#one(command).step(
          ...command.positional.slice(1).map((id) => ({ kind: "read-index", id: Number(id) }) as const),
        );
      case "persist":
        return this.#repeat(command, (member) => void member.completeWrite());
      case "apply":
        return this.#repeat(command, (member) => void member.completeApply());
      case "fetched":
        return this.#repeat(command, (member) => void member.completeFetch());
      case "sync-state":
        return this.#each(command).forEach((member) => member.syncState());
      case "snapshot-work":
        return this.#repeat(
          command,
          (member) => void member.completeSnapshotWork(command.options.get("succeeds") !== "no"),
        );
      case "snapshot-closed": {
        const to = this.#member(command.positional[1]).id;
        return this.#one(command).step({
          kind: "snapshot-closed",
          to,
          transfer: this.#number(command, "transfer", 0),
        });
      }
      case "deliver":
        return this.#take(command).forEach((message) => this.#arrive(message));
      case "repeat":
        return this.#matching(command).forEach((message) => this.#arrive(message));
      case "drop":
        return this.#take(command).forEach((message) => {
          this.#say(
            `dropped ${nameOf(message.from)} -> ${nameOf(message.to)} ${describeMessage(message.message)}`,
          );
        });
      case "network":
        return this.#network.forEach((message) => {
          this.#say(`${nameOf(message.from)} -> ${nameOf(message.to)} ${describeMessage(message.message)}`);
        });
      case "stabilize":
        return this.#stabilize(command);
      case "unreachable": {
        const member = this.#member(command.positional[1]).id;
        return this.#one(command).step({ kind: "unreachable", member });
      }
      case "raft-log":
        return this.#each(command).forEach((member) => {
          this.#say(`${nameOf(member.id)} on disk ${describeEntries(member.disk.entries)}`);
        });
      case "status":
        return this.#each(command).forEach((member) => {
          const [first, ...rest] = describeStatus(member.raft.status());
          this.#say(`${nameOf(member.id)} ${first}`, ...rest);
        });
      case "crash": {
        const applied = command.options.get("applied");
        const member = this.#one(command);
        return applied === undefined ? member.crash() : member.crash(Number(applied) as LogIndex);
      }
      case "lose":
        return this.#one(command).disk.lose(
          this.#number(command, "count", 1),
          command.options.get("noticed") !== "no",
        );
      case "restart":
        return this.#restart(this.#one(command));
      default:
        throw new RangeError("no such command");
    }
  }

  #addNodes(command: TranscriptCommand): void {
    const count = Number(command.positional[0]);
    const learnerCount = this.#number(command, "learners", 0);
    const all = Array.from({ length: count }, (_, at) => BigInt(at + 1) as MemberId);
    const founders = count - this.#number(command, "joining", 0);
    const configuration = {
      incoming: all.slice(0, founders - learnerCount),
      outgoing: [],
      learners: all.slice(founders - learnerCount, founders),
    };
    const changed = Object.entries(OPTION_NAMES).flatMap(([word, name]) => {
      const value = command.options.get(word);
      return value === undefined ? [] : [[name, Number(value)]];
    });
    const limits = Object.fromEntries(changed) as Partial<RaftOptions>;
    for (const memberId of all) {
      const member = new SimulatedMember(
        {
          ...RAFT_DEFAULTS,
          ...limits,
          memberId,
          configuration,
          tailMax: this.#number(command, "tail", 1000),
        },
        {
          prng: { next: () => 2 + Number(memberId) },
          observe: (effect) => {
            this.#say(...describeEffect(nameOf(memberId), effect));
            if (effect.kind !== "send") return;
            const { incarnation } = member.disk;
            for (const envelope of effect.envelopes)
              this.#network.push({ ...envelope, from: memberId, incarnation });
          },
        },
      );
      this.#members.set(nameOf(memberId), member);
      member.start();
    }
  }

  /** Lets time pass at a member until it campaigns, and at the others just enough to listen to it. */
  #campaign(candidate: SimulatedMember): void {
    for (const other of this.#members.values()) {
      if (other === candidate || !other.running || other.raft.status().role === "leader") continue;
      for (let ticks = 0; ticks < RAFT_DEFAULTS.electionTimeoutTicks; ticks += 1)
        other.step({ kind: "tick" });
    }
    for (let ticks = 0; ticks < 2 * RAFT_DEFAULTS.electionTimeoutTicks; ticks += 1) {
      if (candidate.raft.status().role !== "follower") return;
      candidate.step({ kind: "tick" });
    }
  }

  #propose(command: TranscriptCommand): void {
    const member = this.#one(command);
    const expectedTerm = this.#number(command, "term", member.raft.status().term) as Term;
    member.step(
      ...command.positional.slice(1).map((text) => {
        const [, letter, count] = /^(.)\*(\d+)$/.exec(text) ?? [];
        const data = utf8(letter === undefined ? text : letter.repeat(Number(count)));
        return { kind: "propose", id: this.#nextProposal++, expectedTerm, data } as const;
      }),
    );
  }

  /** `change n1 replace n1 n4`: the words of the change name members as transcripts do. */
  #change(command: TranscriptCommand): void {
    const [, kind, ...names] = command.positional;
    const member = this.#one(command);
    const expectedTerm = this.#number(command, "term", member.raft.status().term) as Term;
    const data = utf8([kind, ...names.map((name) => name.slice(1))].join(" "));
    member.step({ kind: "propose-configuration", id: this.#nextProposal++, expectedTerm, data });
  }

  #restart(member: SimulatedMember): void {
    member.start();
    this.#say(`${nameOf(member.id)} incarnation=${member.disk.incarnation}`);
  }

  /** Delivers and completes everything among the named members (or all) until nothing is left to do. */
  #stabilize(command: TranscriptCommand): void {
    const members = command.positional.length === 0 ? [...this.#members.values()] : this.#each(command);
    const ids = new Set(members.filter((member) => member.running).map((member) => member.id));
    let busy = true;
    while (busy) {
      busy = false;
      const messages = this.#network.filter(({ from, to }) => ids.has(from) && ids.has(to));
      this.#network = this.#network.filter((message) => !messages.includes(message));
      for (const message of messages) this.#arrive(message);
      busy ||= messages.length > 0;
      for (const member of members) {
        if (!member.running) continue;
        while (
          member.completeWrite() ||
          member.completeFetch() ||
          member.completeApply() ||
          member.completeSnapshotWork()
        )
          busy = true;
      }
    }
  }

  #arrive({ from, to, incarnation, message }: InTransit): void {
    const receiver = this.#member(nameOf(to));
    if (receiver.running) receiver.step({ kind: "receive", from, incarnation, message });
  }

  /** The messages that a command selects by from, to, kind and count. */
  #matching(command: TranscriptCommand): InTransit[] {
    const list = (key: string): string[] | undefined => command.options.get(key)?.split(",");
    const [from, to, kind] = [list("from"), list("to"), list("kind")];
    return this.#network
      .filter(
        (message) =>
          (from?.includes(nameOf(message.from)) ?? true) &&
          (to?.includes(nameOf(message.to)) ?? true) &&
          (kind?.includes(message.message.kind) ?? true),
      )
      .slice(0, this.#number(command, "count", Infinity));
  }

  #take(command: TranscriptCommand): InTransit[] {
    const taken = this.#matching(command);
    this.#network = this.#network.filter((message) => !taken.includes(message));
    return taken;
  }

  #repeat(command: TranscriptCommand, act: (member: SimulatedMember) => void): void {
    const count = this.#number(command, "count", 1);
    for (const member of this.#each(command)) for (let done = 0; done < count; done += 1) act(member);
  }

  #number(command: TranscriptCommand, key: string, otherwise: number): number {
    return Number(command.options.get(key) ?? otherwise);
  }

  /** The id behind a name, known here or not. */
  #id(name: string | undefined): MemberId {
    return parseHexId((name ?? "").slice(1)) as MemberId;
  }

  #one(command: TranscriptCommand): SimulatedMember {
    return this.#member(command.positional[0]);
  }

  #each(command: TranscriptCommand): SimulatedMember[] {
    return command.positional.map((name) => this.#member(name));
  }

  #member(name: string | undefined): SimulatedMember {
    const member = this.#members.get(name ?? "");
    if (member === undefined) throw new RangeError("no such member");
    return member;
  }

  #say(...lines: (string | undefined)[]): void {
    for (const line of lines) if (line !== undefined) this.#output.push(line);
  }
}
