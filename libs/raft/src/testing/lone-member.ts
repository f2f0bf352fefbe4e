import { parseHexId, seededPrng, utf8 } from "@quorate/base";
import { crcChainHash } from "../chain-hash";
import type { RaftEffect } from "../effect";
import type { RaftInput } from "../input";
import type { Envelope, Message } from "../message";
import { RAFT_DEFAULTS } from "../options";
import { Raft } from "../raft";
import type { RaftStatus } from "../status";
import type { Configuration, Entry, EntryId, LogIndex, MemberId, Term } from "../types";
import { configurationAfter, configurationData } from "./configuration-data";
import { idAt, logOf } from "./log-fixtures";
import type { ConfigurationChange } from "../configuration/change";

type OfKind<Kind extends Message["kind"]> = Extract<Message, { kind: Kind }>;
type EffectOfKind<Kind extends RaftEffect["kind"]> = Extract<RaftEffect, { kind: Kind }>;

export interface LoneMemberOptions {
  readonly voters?: number;
  readonly learners?: readonly number[];
  /** Terms of the entries in its log. */
  readonly terms?: readonly number[];
  readonly log?: readonly Entry[];
  readonly term?: number;
  readonly vote?: number;
  readonly commit?: number;
  readonly applied?: number;
  /** The newest entry that its log has lost, if it has. */
  readonly repairUntil?: EntryId;
  readonly seed?: number;
  readonly uncommittedBytesMax?: number;
}

export const member = (id: number): MemberId => parseHexId(id.toString(16)) as MemberId;
export const term = (value: number): Term => value as Term;
export const at = (index: number): LogIndex => index as LogIndex;

/**
 * Member 1 by itself, with the others played by the test. Its disk and its state machine answer at once, unless they are held.
 * What it did and sent is kept until it is taken.
 */
export class LoneMember {
  readonly raft: Raft;
  /** Whether writes wait for `persist`, and entries to be applied for `apply`. */
  holdsWrites = false;
  holdsApplies = false;
  #writes: number[] = [];
  #applies: (readonly Entry[])[] = [];
  #effects: RaftEffect[] = [];
  #configuration: Configuration;
  #nextId = 1;

  constructor(options: LoneMemberOptions = {}) {
    const voters = options.voters ?? 3;
    const log = options.log ?? logOf(options.terms ?? []);
    const incoming = Array.from({ length: voters }, (_, index) => member(index + 1));
    const learners = (options.learners ?? []).map(member);
    this.#configuration = {
      incoming: incoming.filter((id) => !learners.includes(id)),
      outgoing: [],
      learners,
    };
    this.raft = new Raft(
      {
        ...RAFT_DEFAULTS,
        memberId: member(1),
        uncommittedBytesMax: options.uncommittedBytesMax ?? RAFT_DEFAULTS.uncommittedBytesMax,
      },
      {
        hardState: {
          term: term(options.term ?? log.at(-1)?.term ?? 0),
          vote: options.vote === undefined ? undefined : member(options.vote),
          commit: at(options.commit ?? 0),
        },
        configuration: this.#configuration,
        compacted: idAt([], 0),
        compactedChain: 0,
        termRuns: log
          .filter((entry, index) => entry.term !== log[index - 1]?.term)
          .map(({ index }) => idAt(log, index)),
        tail: log,
        applied: at(options.applied ?? 0),
        repairUntil: options.repairUntil,
      },
      { prng: seededPrng(options.seed ?? 1), chainHash: crcChainHash },
    );
    this.#turn();
  }

  get status(): RaftStatus {
    return this.raft.status();
  }

  step(...inputs: readonly RaftInput[]): void {
    for (const input of inputs) this.raft.step(input);
    this.#turn();
  }

  tick(count = 1): void {
    for (let ticked = 0; ticked < count; ticked += 1) this.step({ kind: "tick" });
  }

  /** Lets time pass until it does not follow any more. */
  tickUntilCampaign(): number {
    for (let ticks = 1; ticks <= 2 * RAFT_DEFAULTS.electionTimeoutTicks; ticks += 1) {
      this.tick();
      if (this.status.role !== "follower") return ticks;
    }
    return Infinity;
  }

  receive(from: number, message: Message, incarnation = 1): void {
    this.step({ kind: "receive", from: member(from), incarnation, message });
  }

  propose(text: string, expectedTerm: number = this.status.term): number {
    const id = this.#nextId++;
    this.step({ kind: "propose", id, expectedTerm: term(expectedTerm), data: utf8(text) });
    return id;
  }

  change(change: ConfigurationChange): number {
    const id = this.#nextId++;
    const data = configurationData(change);
    this.step({ kind: "propose-configuration", id, expectedTerm: this.status.term, data });
    return id;
  }

  read(): number {
    const id = this.#nextId++;
    this.step({ kind: "read-index", id });
    return id;
  }

  /** Makes it the leader of the next term, with the votes of the members named. */
  elect(...voters: readonly number[]): void {
    this.stand(...voters);
    for (const voter of voters)
      this.receive(voter, { kind: "vote-response", term: this.status.term, granted: true });
  }

  /** Makes it a candidate of the next term. */
  stand(...voters: readonly number[]): void {
    this.tickUntilCampaign();
    for (const voter of voters) {
      if (this.status.role !== "pre-candidate") return;
      this.preVote(voter, true);
    }
  }

  preVote(from: number, granted: boolean): void {
    const { term: now } = this.status;
    this.receive(from, { kind: "pre-vote-response", term: term(now + 1), granted, committed: undefined });
  }

  acknowledge(from: number, match: number, round = 0): void {
    const outcome = { kind: "accepted", match: at(match) } as const;
    this.receive(from, { kind: "append-response", term: this.status.term, round, outcome });
  }

  persist(count = 1): void {
    for (const id of this.#writes.splice(0, count)) this.step({ kind: "persisted", id });
  }

  apply(): void {
    const entries = this.#applies.shift();
    if (entries === undefined) return;
    const index = entries.at(-1)!.index;
    const changes = entries.some(({ type }) => type === "configuration");
    if (changes) this.#configuration = configurationAfter(this.#configuration, entries);
    this.step({ kind: "applied", index, ...(changes ? { configuration: this.#configuration } : {}) });
  }

  /** The messages of a kind that it sent since they were last taken. */
  sent<Kind extends Message["kind"]>(kind: Kind): { readonly to: number; readonly message: OfKind<Kind> }[] {
    return this.#envelopes
      .filter(({ message }) => message.kind === kind)
      .map(({ to, message }) => ({ to: Number(to), message: message as OfKind<Kind> }));
  }

  /** Its effects of a kind since they were last taken. */
  did<Kind extends RaftEffect["kind"]>(kind: Kind): EffectOfKind<Kind>[] {
    return this.#effects.filter((effect) => effect.kind === kind) as EffectOfKind<Kind>[];
  }

  /** Forgets what it did. */
  clear(): void {
    this.#effects = [];
  }

  get #envelopes(): Envelope[] {
    return this.did("send").flatMap(({ envelopes }) => envelopes);
  }

  #turn(): void {
    for (const effect of this.raft.takeEffects()) {
      this.#effects.push(effect);
      if (effect.kind === "persist") this.#writes.push(effect.id);
      if (effect.kind === "apply") this.#applies.push(effect.entries);
    }
    if (!this.holdsWrites && this.#writes.length > 0) this.persist();
    if (!this.holdsApplies && this.#applies.length > 0) this.apply();
  }
}
