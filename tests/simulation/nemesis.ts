import * as hosts from "./faults/host-faults";
import * as networks from "./faults/network-faults";
import * as nodes from "./faults/node-faults";
import { DONE, type Begin, type End, type World } from "./faults/world";
import type { FaultKind, Schedule, ScheduleItem } from "./schedule";

const BEGIN: { readonly [K in FaultKind]: Begin<K> } = {
  crash: nodes.crash,
  "crash-all": nodes.crashAll,
  "crash-at": nodes.crashAt,
  "restart-storm": nodes.restartStorm,
  pause: nodes.pause,
  strangers: nodes.strangers,
  "crash-watching": nodes.crashWatching,
  "sync-error": hosts.syncError,
  "disk-full": hosts.diskFull,
  "slow-sync": hosts.slowSync,
  "clock-rate": hosts.clockRate,
  "clock-stall": hosts.clockStall,
  isolate: networks.isolate,
  "isolate-watching": networks.isolateWatching,
  halves: networks.halves,
  bridge: networks.bridge,
  ring: networks.ring,
  "one-way": networks.oneWay,
  clog: networks.clog,
  disconnect: networks.disconnect,
  "slow-consumer": networks.disconnect,
  replay: networks.replay,
  weather: networks.weather,
  "broker-crash": networks.brokerCrash,
  "broker-pause": networks.brokerPause,
  "route-cut": networks.routeCut,
  roll: nodes.roll,
  join: ({ join }, { caller }) => (join(caller), DONE),
  order: ({ operator }, { action, pick }) => (operator?.act(action, pick) === true ? DONE : undefined),
  compact: ({ compact }, { behind }) => (compact(behind), DONE),
};

/** How often each kind of fault was really done. */
export type FaultCounts = Partial<Record<FaultKind, number>>;

/** Does to the cluster what the schedule says. */
export class Nemesis {
  readonly counts: FaultCounts = {};
  readonly #open = new Set<End>();
  #stopped = false;

  constructor(
    private readonly schedule: Schedule,
    private readonly world: World,
  ) {}

  start(): void {
    for (const item of this.schedule) {
      if (item.atMs === 0) this.#begin(item);
      else this.world.time.setTimer(item.atMs, () => this.#begin(item));
    }
  }

  /** Ends every fault. Members that are down and were not to be started by one stay down. */
  stop(): void {
    this.#stopped = true;
    for (const end of this.#open) end();
    const { network, members } = this.world;
    network.heal();
    network.faults.setEverywhere({ delayMs: { min: 0, max: 1 } });
    for (const member of members) member.resume();
  }

  #begin(item: ScheduleItem): void {
    if (this.#stopped) return;
    const { kind } = item;
    const end = (BEGIN[kind] as Begin<FaultKind>)(this.world, item);
    if (end === undefined) return;
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    if (item.forMs === 0) return end();
    this.#open.add(end);
    this.world.time.setTimer(item.forMs, () => {
      if (this.#open.delete(end) && !this.#stopped) end();
    });
  }
}
