import { runAcknowledgedWrites } from "./acknowledged-writes";
import { parseChaosOptions, type ChaosOptions } from "./chaos-options";
import { runRound, type RoundReport } from "./round";

// `npm run chaos -- --minutes M --seed S`. Exit codes: 0 all promises kept, 1 one is broken, 2 something could not be checked.

const EXIT = { kept: 0, broken: 1, "not checked": 2 } as const;

// So that all that was started is ended: see KeptProcess.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => process.exit(EXIT["not checked"]));

void main(parseChaosOptions(process.argv.slice(2)));

async function main(options: ChaosOptions): Promise<void> {
  const kind = options.acknowledgedWrites === undefined ? await rounds(options) : await writes(options);
  process.exit(EXIT[kind]);
}

async function rounds(options: ChaosOptions): Promise<RoundReport["kind"]> {
  const until = performance.now() + options.minutes * 60_000;
  const reports: RoundReport[] = [];
  for (let at = 0; at === 0 || performance.now() < until; at += 1) {
    const seed = options.seed + at;
    print(`round ${at + 1}, seed ${seed}`);
    const report = await attempted(
      {
        ...options,
        seed,
        seconds: options.roundSeconds,
        faultMsMax: options.faultSecondsMax * 1000,
        command: commandOf(options, seed),
      },
      print,
    );
    print(`round ${at + 1}, seed ${seed}: ${report.kind}. ${report.text}`);
    reports.push(report);
  }
  const sum = (of: (report: RoundReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const count = (kind: RoundReport["kind"]): number =>
    reports.filter((report) => report.kind === kind).length;
  print(
    `${reports.length} rounds: ${count("kept")} kept, ${count("broken")} broken, ${count("not checked")} not checked; ` +
      `${sum(({ operations }) => operations)} operations, ${sum(({ unknown }) => unknown)} of unknown outcome, ` +
      `${sum(({ faults }) => faults)} faults`,
  );
  if (count("broken") > 0) return "broken";
  return count("not checked") > 0 ? "not checked" : "kept";
}

/** A cluster that does not even start proves nothing. */
async function attempted(...round: Parameters<typeof runRound>): Promise<RoundReport> {
  try {
    return await runRound(...round);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: "not checked", text, operations: 0, unknown: 0, faults: 0 };
  }
}

async function writes(options: ChaosOptions): Promise<RoundReport["kind"]> {
  const [fault] = options.faults;
  if (fault === undefined || options.faults.length > 1) {
    print("--acknowledged-writes needs one --fault");
    return "not checked";
  }
  const { kind, text } = await runAcknowledgedWrites(
    {
      ...{ fault, seed: options.seed, topology: options.topology, count: options.acknowledgedWrites! },
      faultMsMax: options.faultSecondsMax * 1000,
      command: commandOf(options, options.seed),
    },
    print,
  );
  print(`${kind}. ${text}`);
  return kind;
}

function commandOf(options: ChaosOptions, seed: number): string {
  const { members, brokers } = options.topology;
  return [
    "npm run chaos --",
    ...(options.acknowledgedWrites === undefined
      ? [
          "--minutes 0.01",
          `--round-seconds ${options.roundSeconds}`,
          `--workload ${options.workloads.join(",")}`,
        ]
      : [`--acknowledged-writes ${options.acknowledgedWrites}`]),
    `--seed ${seed} --fault ${options.faults.join(",")} --fault-seconds ${options.faultSecondsMax}`,
    `--topology members=${members},brokers=${brokers}`,
  ].join(" ");
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
