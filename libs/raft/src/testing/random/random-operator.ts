import { randomChance, randomInteger, randomPick, utf8 } from "@quorate/base";
import { changeConfiguration, type ConfigurationChange } from "../../configuration/change";
import type { RaftInput } from "../../input";
import type { MemberId, Term } from "../../types";
import { configurationData } from "../configuration-data";
import type { SimulatedMember } from "../simulated-member";
import type { RandomCluster } from "./random-cluster";

const CHANGES = ["add-learner", "add-voter", "promote", "remove", "replace", "replace"] as const;

/** What clients and operators ask of members, mostly of leaders. */
export class RandomOperator {
  readonly #cluster: RandomCluster;
  #nextId = 1;

  constructor(cluster: RandomCluster) {
    this.#cluster = cluster;
  }

  propose(member: SimulatedMember): void {
    const { prng } = this.#cluster;
    const { term, role } = member.raft.status();
    if (role !== "leader" && !randomChance(prng, 0.1)) return;
    const count = randomInteger(prng, 1, 3);
    const expectedTerm = (randomChance(prng, 0.05) ? term + 1 : term) as Term;
    this.#cluster.step(member, ...Array.from({ length: count }, () => this.#command(expectedTerm)));
  }

  /** @returns The command, for a leader that must take it. */
  proposeTo(leader: SimulatedMember): string {
    const command = `command-${this.#nextId}`;
    this.#cluster.step(leader, this.#command(leader.raft.status().term));
    return command;
  }

  read(member: SimulatedMember): void {
    const id = this.#nextId++;
    this.#cluster.checker.readAsked(id);
    this.#cluster.step(member, { kind: "read-index", id });
  }

  transfer(member: SimulatedMember): void {
    const { prng, members } = this.#cluster;
    if (member.raft.status().role !== "leader" && !randomChance(prng, 0.1)) return;
    const to = randomPick(prng, members).id;
    this.#cluster.step(member, { kind: "transfer-leadership", id: this.#nextId++, to });
  }

  /** Mostly sensible changes; what does not fit, the leader's rules and the state machine must sort out. */
  change(member: SimulatedMember): void {
    const { prng, mix, crashes } = this.#cluster;
    const { term, role, configuration } = member.raft.status();
    if (role !== "leader" && !randomChance(prng, 0.1)) return;
    const change = this.#drawChange(member);
    if (change === undefined) return;
    // Otherwise most clusters would end with one member, which has not much to tell.
    const isSmall = configuration.incoming.length <= 2;
    if (change.kind === "remove" && isSmall && !mix.shrinks && randomChance(prng, 0.8)) return;
    const result = changeConfiguration(configuration, change);
    if (result.ok && !crashes.canLead(result.configuration)) return;
    const data = configurationData(change);
    const id = this.#nextId++;
    this.#cluster.step(member, { kind: "propose-configuration", id, expectedTerm: term, data });
  }

  /** `undefined` if all that is left to add has been retired. */
  #drawChange(leader: SimulatedMember): ConfigurationChange | undefined {
    const { prng, mix, members, crashes } = this.#cluster;
    const { configuration } = leader.raft.status();
    const candidates = members.filter((member) => !crashes.isRetired(member)).map(({ id }) => id);
    // One of `ids`, or now and then (and if there is none) anybody.
    const oneOf = (ids: readonly MemberId[]): MemberId =>
      randomPick(prng, ids.length === 0 || randomChance(prng, 0.1) ? candidates : ids);
    // Leaders that remove themselves are the hard case.
    const voter = (): MemberId => (randomChance(prng, 0.3) ? leader.id : oneOf(configuration.incoming));
    const other = (): MemberId => oneOf(candidates.filter((id) => !configuration.incoming.includes(id)));
    if (candidates.length === 0) return undefined;
    const kind = mix.shrinks && randomChance(prng, 0.4) ? "remove" : randomPick(prng, CHANGES);
    if (kind === "replace") return { kind, member: voter(), by: other() };
    return { kind, member: kind === "remove" ? voter() : other() };
  }

  #command(expectedTerm: Term): RaftInput {
    const id = this.#nextId++;
    return { kind: "propose", id, expectedTerm, data: utf8(`command-${id}`) };
  }
}
