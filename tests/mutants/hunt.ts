import { fork, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MUTATION_VARIABLE, type Mutant, type SpecSuite, type Suite } from "./mutant";
import type { SeedReport } from "./run-seeds";

/** What became of a mutant in one suite: the check that it failed, or nothing. */
export interface Catch {
  readonly suite: Suite;
  /** Class and first line of the error, or the name of the spec. */
  readonly check: string;
  /** Of the simulation. */
  readonly seed: number | undefined;
}

/** From tests/dist/mutants: this runs compiled, what it starts runs from source. */
export const ROOT = resolve(__dirname, "../../..");

/** A simulation that says nothing for so long does not end: a mutant can be a loop. */
const SEED_MS_MAX = 180_000;

/** Runs `mutant` in one suite. @returns `undefined`: it survived. */
export async function hunt(mutant: Mutant, suite: Suite, seeds: number): Promise<Catch | undefined> {
  return suite === "simulation" ? huntBySeeds(mutant, seeds) : huntBySpecs(mutant, suite);
}

/** Simulates seeds from 1 on until one throws. */
function huntBySeeds(mutant: Mutant, count: number): Promise<Catch | undefined> {
  const child = fork(resolve(ROOT, "tests/mutants/run-seeds.ts"), ["1", String(count)], {
    execArgv: ["--require", join(__dirname, "load-source.js")],
    env: environmentOf(mutant),
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  return new Promise((settle, fail) => {
    let seed: number | undefined;
    let watchdog: NodeJS.Timeout | undefined;
    const end = (found: Catch | undefined): void => {
      clearTimeout(watchdog);
      child.kill("SIGKILL");
      settle(found);
    };
    const expectNews = (): void => {
      clearTimeout(watchdog);
      watchdog = setTimeout(
        () => end({ suite: "simulation", check: "a seed does not end", seed }),
        SEED_MS_MAX,
      );
    };
    child.on("message", (report: SeedReport) => {
      expectNews();
      if (report.kind === "begun") ({ seed } = report);
      else if (report.kind === "survived") end(undefined);
      else end({ suite: "simulation", check: report.check, seed: report.seed });
    });
    child.on("exit", (code) => {
      clearTimeout(watchdog);
      fail(
        new Error(`the simulation of ${mutant.name} ended with ${code} before it told anything: ${errors}`),
      );
    });
    expectNews();
  });
}

/** Runs the specs of a suite until one fails. */
async function huntBySpecs(mutant: Mutant, suite: SpecSuite): Promise<Catch | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "quorate-mutants-"));
  try {
    const report = join(directory, "report.json");
    const child = spawn(
      process.execPath,
      [
        require.resolve("jest/bin/jest", { paths: [ROOT] }),
        ...["--config", resolve(ROOT, "tests/mutants/jest.config.cjs"), ...specsOf(suite)],
        ...[
          "--runInBand",
          "--bail",
          "--reporters",
          resolve(ROOT, "tests/mutants/first-failure-reporter.cjs"),
        ],
      ],
      { cwd: ROOT, env: { ...environmentOf(mutant), QUORATE_MUTANT_REPORT: report }, stdio: "ignore" },
    );
    await new Promise((settle) => child.on("exit", settle));
    const found = failureOf(await readFile(report, "utf8"));
    return found === undefined ? undefined : { suite, check: found, seed: undefined };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @throws {Error} no spec was run. */
function failureOf(text: string): string | undefined {
  const { specs: count, failed } = JSON.parse(text) as { readonly specs: number; readonly failed?: string };
  if (failed === undefined && count === 0) throw new Error("the suite has no specs");
  return failed;
}

function specsOf(suite: SpecSuite): string[] {
  switch (suite) {
    case "transcripts":
      return specs("raft", "interaction");
    case "paper":
      return specs("raft", "src/paper/");
    case "core-random":
      return specs("raft", "random-cluster");
    case "scenes":
      return specs("tests/simulation", "corruption|disk-stall|fail-stop|refounding");
    default: {
      const [project, path] = suite.slice("unit:".length).split("/");
      return specs(project!, path);
    }
  }
}

function specs(project: string, path: string | undefined): string[] {
  return ["--selectProjects", project, ...(path === undefined ? [] : ["--testPathPatterns", path])];
}

function environmentOf({ file, find, replace }: Mutant): NodeJS.ProcessEnv {
  return { ...process.env, [MUTATION_VARIABLE]: JSON.stringify({ file, find, replace }) };
}
