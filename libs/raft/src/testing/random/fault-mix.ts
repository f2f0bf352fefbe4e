import { type Prng, randomChance, randomInteger, randomPick } from "@quorate/base";
import { RAFT_DEFAULTS, type RaftOptions } from "../../options";
import type { Configuration, MemberId } from "../../types";

/** Each seed draws its own mix of faults: a run with all of them at once hardly ever gets anywhere. */
export interface FaultMix {
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  /** Share of messages that the network keeps for long: a paused broker is a time machine. */
  readonly delay: number;
  /** Chances per step. */
  readonly crash: number;
  readonly partition: number;
  readonly pause: number;
  readonly diskStall: number;
  /** Of 100 steps: with many, elections are common; with few, much happens in a term. */
  readonly tick: number;
  readonly diskSpeed: number;
  /** Share of inputs that change the membership, and that give the leadership away. */
  readonly change: number;
  readonly transfer: number;
  /** Whether most changes remove somebody. */
  readonly shrinks: boolean;
  /** Of crashes: that come between the messages of a turn, and that lose the state although it was synced. */
  readonly midTurn: number;
  readonly damage: number;
  /** Of crashes that lose the end of the log although it was synced. */
  readonly rot: number;
}

export function drawFaultMix(prng: Prng): FaultMix {
  const sometimes = (chance: number, most: number): number =>
    randomChance(prng, chance) ? (most * randomInteger(prng, 1, 100)) / 100 : 0;
  return {
    loss: sometimes(0.5, 0.3),
    duplication: sometimes(0.5, 0.3),
    reordering: sometimes(0.5, 0.5),
    delay: sometimes(0.4, 0.1),
    crash: sometimes(0.6, 0.01),
    partition: sometimes(0.6, 0.01),
    pause: sometimes(0.3, 0.004),
    diskStall: sometimes(0.3, 0.004),
    tick: randomInteger(prng, 4, 30),
    diskSpeed: randomInteger(prng, 10, 90) / 100,
    change: sometimes(0.6, 0.05),
    transfer: sometimes(0.5, 0.02),
    shrinks: randomChance(prng, 0.3),
    midTurn: sometimes(0.5, 1),
    damage: sometimes(0.5, 0.5),
    rot: sometimes(0.5, 0.5),
  };
}

/** Who is there: founders, learners among them, and members that only a change brings in. */
export function drawMembers(prng: Prng, mix: FaultMix): { ids: MemberId[]; configuration: Configuration } {
  const size = randomPick(prng, mix.change > 0 ? [1, 2, 2, 3, 3, 4, 4, 5] : [1, 2, 3, 3, 3, 4, 5, 5]);
  const spare = mix.change > 0 ? randomInteger(prng, 1, 3) : 0;
  const learners = size >= 4 && randomChance(prng, 0.3) ? 1 : 0;
  const ids = Array.from({ length: size + spare }, (_, at) => BigInt(at + 1) as MemberId);
  const configuration = {
    incoming: ids.slice(0, size - learners),
    outgoing: [],
    learners: ids.slice(size - learners, size),
  };
  return { ids, configuration };
}

/** Limits small enough to be met, and now and then large enough not to. */
export function drawLimits(prng: Prng): Omit<RaftOptions, "memberId"> & { readonly tailMax: number } {
  return {
    ...RAFT_DEFAULTS,
    electionTimeoutTicks: randomInteger(prng, 3, 8),
    tailMax: randomPick(prng, [1, 3, 1000]),
    appendBytesMax: randomPick(prng, [60, 150, 10_000]),
    inflightMessagesMax: randomPick(prng, [1, 2, 64]),
    uncommittedBytesMax: randomPick(prng, [500, 1_000_000]),
    cacheBytesMax: randomPick(prng, [1, 300, 1_000_000]),
    applyBytesMax: randomPick(prng, [60, 10_000]),
    logKeepEntries: randomPick(prng, [1, 1, 5, 1000]),
    logKeepBytesMax: randomPick(prng, [300, 1_000_000]),
  };
}
