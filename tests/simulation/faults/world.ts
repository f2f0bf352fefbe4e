import type { VirtualTime } from "@quorate/actor";
import type { MemoryNetwork } from "@quorate/transport";
import type { FaultKind, FaultOf, Victim } from "../schedule";
import type { SimulatedMember } from "../simulated-member";
import type { SimulatedOperator } from "../simulated-operator";
import type { Cuts } from "./cuts";
import type { SimulatedBrokers } from "./simulated-brokers";

export interface Crashable {
  readonly name: string;
  readonly running: boolean;
  start(): void;
  crash(): void;
}

/** What faults are done to. */
export interface World {
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly brokers: SimulatedBrokers;
  readonly cuts: Cuts;
  readonly members: readonly SimulatedMember[];
  readonly gateways: readonly string[];
  /** What can crash without anything being lost: fan-outs and the gateways of watchers. */
  readonly watching: readonly Crashable[];
  readonly operator: SimulatedOperator | undefined;
  /** Makes a majority of another cluster that uses the same ids and subjects, not started. */
  readonly strangers: (pick: number) => Crashable;
  readonly join: (caller: string) => void;
  readonly compact: (behind: number) => void;
}

/** What ends a fault. */
export type End = () => void;

/** @returns `undefined`: there was nobody to do it to. */
export type Begin<K extends FaultKind> = (
  world: World,
  fault: FaultOf<K> & { readonly atMs: number; readonly forMs: number },
) => End | undefined;

/** Whom a fault is about: a member that was ever started. */
export function victimOf({ members }: World, victim: Victim): SimulatedMember | undefined {
  if (victim === "leader") return members.find((member) => member.node?.status().leader === member.id);
  const started = members.filter((member) => member.started);
  return started[victim % started.length];
}

/** Everyone who has a connection of its own to a broker. */
export function everyone({ members, gateways, watching }: World): string[] {
  return [...members, ...watching].map(({ name }) => name).concat(gateways);
}

export function others(world: World, names: readonly string[]): string[] {
  return everyone(world).filter((name) => !names.includes(name));
}

/** About half of `items`: those whose bit is set. */
export function chosen<T>(items: readonly T[], bits: number): T[] {
  // Spread, since numbers that are drawn have few bits and neighbours would share them.
  const spread = Math.imul(bits + 1, 0x9e3779b1) >>> 0;
  return items.filter((_, at) => ((spread >>> (at % 32)) & 1) === 1);
}

/** A fault that is over as soon as it is done. */
export const DONE: End = () => undefined;
