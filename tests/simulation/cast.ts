import type { VirtualTime } from "@quorate/actor";
import type { Prng } from "@quorate/base";
import type { MemoryNetwork } from "@quorate/transport";
import { parseClusterName, Subjects } from "@quorate/wire";
import { HistoryViolation } from "../checkers/violation";
import { strangersOf } from "./faults/strangers";
import type { Crashable } from "./faults/world";
import { LeaseHolder } from "./lease-holder";
import type { Marks } from "./marks";
import type { Setting } from "./setting";
import { SimulatedClient } from "./simulated-client";
import { SimulatedDisarmer } from "./simulated-disarmer";
import { SimulatedFanout } from "./simulated-fanout";
import { SimulatedGateway } from "./simulated-gateway";
import { SimulatedMember, type SimulatedMemberDependencies } from "./simulated-member";
import type { SimulatedMemberOptions } from "./simulated-member-options";
import { SimulatedOperator } from "./simulated-operator";
import { SimulatedWatchClient } from "./simulated-watch-client";
import { SimulatedWatchGateway } from "./simulated-watch-gateway";
import { streamOf } from "./streams";

export interface CastDependencies {
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly marks: Marks;
  readonly applied: SimulatedMemberDependencies["applied"];
  readonly spaceAlarm: SimulatedMemberDependencies["spaceAlarm"];
}

const KEYS = ["a", "b", "c", "d"];
const LISTS = ["list/1", "list/2", "list/3"];
const THINK_MS_MAX = 150;
const LIST_THINK_MS_MAX = 300;
const CALL_TIMEOUT_MS = 3000;
/** By how much the clock of a member may be too fast. */
const CLOCK_RATE_MAX = 1.2;
const CLUSTER_ID = 0xc1n;
const STRANGE_CLUSTER_ID = 0xbadn;

/** Everybody who takes part in one seed, each with a stream of random numbers of its own. Nobody has begun. */
export class Cast {
  readonly keys: readonly string[] = KEYS;
  readonly members: readonly SimulatedMember[];
  /** Those that are there from the beginning. */
  readonly founders: readonly SimulatedMember[];
  readonly gateways: readonly [SimulatedGateway, SimulatedGateway];
  readonly clients: readonly SimulatedClient[];
  /** Who append to lists, in some seeds. */
  readonly listClients: readonly SimulatedClient[];
  readonly holders: readonly LeaseHolder[];
  readonly watching: readonly (SimulatedFanout | SimulatedWatchGateway)[];
  readonly watchClients: readonly SimulatedWatchClient[];
  readonly operator: SimulatedOperator | undefined;
  readonly disarmer: SimulatedDisarmer;
  readonly #subjects = new Subjects(parseClusterName("sim"));

  constructor(
    private readonly seed: number,
    private readonly setting: Setting,
    private readonly dependencies: CastDependencies,
  ) {
    const { time, network } = dependencies;
    const subjects = this.#subjects;
    this.members = this.#makeMembers();
    this.founders = this.members.slice(0, setting.founders.incoming.length);
    this.gateways = [this.#gateway(1), this.#gateway(2)];
    this.clients = setting.mixes.map(
      (mix, number) =>
        new SimulatedClient(
          { number, keys: KEYS, thinkMsMax: THINK_MS_MAX, mix },
          { time, prng: this.#stream(`client ${number}`), gateway: this.#gatewayOf(number) },
        ),
    );
    this.listClients = (setting.hasListClients ? [200, 201, 202] : []).map(
      (number, at) =>
        new SimulatedClient(
          { number, keys: LISTS, thinkMsMax: LIST_THINK_MS_MAX, mix: "list-append" },
          { time, prng: this.#stream(`client ${number}`), gateway: this.#gatewayOf(at) },
        ),
    );
    this.holders = [100, 101, 102].map(
      (number, at) =>
        new LeaseHolder(
          { number, clockRateMax: CLOCK_RATE_MAX },
          { time, prng: this.#stream(`holder ${number}`), gateway: this.#gatewayOf(at) },
        ),
    );
    const fanouts = this.#makeFanouts();
    const watchGateways = this.#makeWatchGateways();
    this.watching = [...fanouts, ...watchGateways];
    this.watchClients = setting.watchClients.map(
      ({ slowChance }, number) =>
        new SimulatedWatchClient(
          { number, keys: KEYS, slowChance },
          { time, prng: this.#stream(`watch client ${number}`), gateways: watchGateways },
        ),
    );
    this.operator = setting.operated
      ? new SimulatedOperator({
          prng: this.#stream("operator"),
          transport: network.connect("operator"),
          subjects,
          members: this.members,
        })
      : undefined;
    this.disarmer = new SimulatedDisarmer({
      time,
      prng: this.#stream("disarmer"),
      gateway: this.gateways[1],
    });
  }

  /** Whoever has an account of calls. */
  get writers(): readonly (SimulatedClient | LeaseHolder)[] {
    return [...this.clients, ...this.listClients, ...this.holders];
  }

  /** Who reads, writes and watches, by name. */
  get callers(): ReadonlyMap<string, { start(): void }> {
    return new Map<string, { start(): void }>([
      ...[...this.clients, ...this.listClients].map((client) => [`client ${client.number}`, client] as const),
      ...this.holders.map((holder) => [`holder ${holder.number}`, holder] as const),
      ...this.watchClients.map((client) => [`watch client ${client.number}`, client] as const),
    ]);
  }

  /** Of everything that has a connection to a broker. */
  get names(): string[] {
    return [...this.members, ...this.watching].map(({ name }) => name).concat("g1", "g2", "operator");
  }

  /** A majority of another cluster, of the ids of these members, and with starts enough to be taken for their newest ones. */
  strangers(pick: number): Crashable {
    const { founders } = this.setting;
    const ids = founders.incoming.slice(0, (founders.incoming.length >> 1) + 1);
    const nothing = { applied: () => undefined, spaceAlarm: () => undefined };
    return strangersOf(
      ids.map((memberId, at) =>
        this.#member(
          {
            name: `stranger${pick}-${at}`,
            memberId,
            clusterId: STRANGE_CLUSTER_ID,
            configuration: founders,
            raftOnly: true,
          },
          nothing,
        ),
      ),
    );
  }

  #stream(name: string): Prng {
    return streamOf(this.seed, name);
  }

  #makeMembers(): SimulatedMember[] {
    const { memberIds, founders } = this.setting;
    const nobody = { incoming: [], outgoing: [], learners: [] };
    return memberIds.map((memberId, at) =>
      this.#member(
        {
          name: `n${at + 1}`,
          memberId,
          clusterId: CLUSTER_ID,
          configuration: founders.incoming.includes(memberId) ? founders : nobody,
        },
        this.dependencies,
      ),
    );
  }

  #member(
    options: Pick<SimulatedMemberOptions, "name" | "memberId" | "clusterId" | "configuration" | "raftOnly">,
    { applied, spaceAlarm }: Pick<SimulatedMemberDependencies, "applied" | "spaceAlarm">,
  ): SimulatedMember {
    const { time, network, marks } = this.dependencies;
    return new SimulatedMember(
      { ...this.setting.memberOptions(), ...options },
      {
        time,
        prng: this.#stream(`member ${options.name}`),
        network,
        subjects: this.#subjects,
        marks,
        applied,
        spaceAlarm,
        damaged: (member, why) => {
          throw new HistoryViolation(`${member.name} was taken for damaged: ${why}`);
        },
      },
    );
  }

  #gateway(number: number): SimulatedGateway {
    const { time, network } = this.dependencies;
    return new SimulatedGateway(
      {
        id: BigInt(this.seed) * 16n + BigInt(number),
        timeoutMs: CALL_TIMEOUT_MS,
        limits: this.setting.limits.gateway,
      },
      { time, subjects: this.#subjects, transport: network.connect(`g${number}`) },
    );
  }

  #gatewayOf(at: number): SimulatedGateway {
    return this.gateways[at % 2 === 0 ? 0 : 1];
  }

  #makeFanouts(): SimulatedFanout[] {
    const { time, network, marks } = this.dependencies;
    return this.setting.fanouts.map((options, at) => {
      const name = `f${at + 1}`;
      const prng = this.#stream(name);
      return new SimulatedFanout(
        { name, ...options },
        { time, network, marks, subjects: this.#subjects, prng },
      );
    });
  }

  #makeWatchGateways(): SimulatedWatchGateway[] {
    const { time, network } = this.dependencies;
    return this.setting.watchGateways.map((options, at) => {
      const name = `w${at + 1}`;
      return new SimulatedWatchGateway(
        { name, ...options },
        { time, network, subjects: this.#subjects, prng: this.#stream(name) },
      );
    });
  }
}
