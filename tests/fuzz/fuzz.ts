import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Command } from "commander";
import { nodeExecutable, repositoryRoot } from "../harness/repository";

// Most decoders are inner functions of a library, which only the test runner reaches: so this runs the specs, for one target.

interface Flags {
  readonly target?: string;
  readonly seconds: string;
  readonly seed?: string;
}

const flags = new Command("fuzz")
  .description("Tries inputs that nobody thought of on a decoder.")
  .option("--target <name>", "the decoder, by the name of its target; all of them unless told")
  .option("--seconds <n>", "for how long: this target, or each group of targets", "60")
  .option("--seed <n>", "repeats a run; random unless told")
  .parse()
  .opts<Flags>();

const pattern = flags.target === undefined ? "promises" : `\\b${flags.target} holds its promises`;
const { status } = spawnSync(
  nodeExecutable,
  [
    join(repositoryRoot, "node_modules", "jest", "bin", "jest.js"),
    ...["--config", join(repositoryRoot, "tests", "jest.config.cjs"), "--selectProjects", "tests/fuzz"],
    ...["-t", pattern],
  ],
  {
    stdio: "inherit",
    cwd: repositoryRoot,
    env: {
      ...process.env,
      FUZZ_SECONDS: flags.seconds,
      ...(flags.seed === undefined ? {} : { FUZZ_SEED: flags.seed }),
      ...(flags.target === undefined ? {} : { FUZZ_TARGET: flags.target }),
    },
  },
);
process.exitCode = status ?? 1;
