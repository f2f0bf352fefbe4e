import { Command, InvalidArgumentError } from "commander";

import { NEMESES, PLANTED, possibleFaults, type Fault } from "./nemeses";
import type { Topology } from "./round";
import { WORKLOADS, type Workload } from "./round-loads";

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly roundSeconds: number;
  readonly workloads: readonly Workload[];
  readonly faults: readonly Fault[];
  readonly topology: Topology;
  readonly faultSecondsMax: number;
  /** Writes to have acknowledged, with one fault again and again; absent: rounds. */
  readonly acknowledgedWrites: number | undefined;
}

/** Names that the faults of `--acknowledged-writes` are known by, and what they are here. */
const ALIASES: Readonly<Record<string, { readonly fault: string; readonly topology?: Topology }>> = {
  "minority-corruption": { fault: "corruption" },
  "paused-leader": { fault: "pause-leader" },
  "paused-broker": { fault: "pause-broker" },
  "single-member": { fault: "kill-all", topology: { members: 1, brokers: 1 } },
};

interface Given {
  readonly minutes: number;
  readonly seed: number;
  readonly roundSeconds: number;
  readonly workload: readonly Workload[];
  readonly fault: string;
  readonly topology: Topology;
  readonly faultSeconds: number;
  readonly acknowledgedWrites?: number;
}

/** Ends the process with a text where the options make no sense, or help was asked for. */
export function parseChaosOptions(argv: readonly string[]): ChaosOptions {
  const faults = Object.keys(NEMESES);
  const command = new Command("chaos")
    .description("Faults on a cluster of real processes under recorded loads; what was recorded is checked.")
    .option("--minutes <count>", "how long, in rounds of a fresh cluster each", positive, 2)
    .option(
      "--seed <number>",
      "of the first round; each further one adds 1",
      positive,
      Date.now() % 1_000_000,
    )
    .option("--round-seconds <count>", "how long each round is", positive, 60)
    .option("--fault-seconds <count>", "the longest that a fault lasts", positive, 10)
    .option("--workload <names>", `of ${WORKLOADS.join(", ")} (all)`, workloads, WORKLOADS)
    .option("--fault <names>", `of ${faults.join(", ")} (all), or ${Object.keys(ALIASES).join(", ")}`, "all")
    .option("--topology <sizes>", "like members=3,brokers=3", topology, { members: 3, brokers: 3 })
    .option(
      "--acknowledged-writes <count>",
      "write until so many are acknowledged, under one fault",
      positive,
    )
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    });
  const given = command.parse([...argv], { from: "user" }).opts<Given>();
  const names = given.fault === "all" ? possibleFaults() : given.fault.split(",");
  const alias = names.map((name) => ALIASES[name] ?? { fault: name });
  const unknown = alias.find(({ fault }) => !faults.includes(fault) && !(fault in PLANTED));
  if (unknown !== undefined) command.error(`error: --fault: there is no "${unknown.fault}"`);
  return {
    minutes: given.minutes,
    seed: given.seed,
    roundSeconds: given.roundSeconds,
    workloads: given.workload,
    faults: alias.map(({ fault }) => fault as Fault),
    topology: alias.find((one) => one.topology !== undefined)?.topology ?? given.topology,
    faultSecondsMax: given.faultSeconds,
    acknowledgedWrites: given.acknowledgedWrites,
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

function workloads(text: string): readonly Workload[] {
  return text.split(",").map((name) => {
    const found = WORKLOADS.find((workload) => workload === name);
    if (found === undefined) throw new InvalidArgumentError(`There is no "${name}".`);
    return found;
  });
}

function topology(text: string): Topology {
  const match = /^members=([1-7]),brokers=([1-7])$/.exec(text);
  if (match === null) throw new InvalidArgumentError("It must be like members=3,brokers=3.");
  return { members: Number(match[1]), brokers: Number(match[2]) };
}
