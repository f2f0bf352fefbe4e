import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { hunt, ROOT, type Catch } from "./hunt";
import { MUTANTS } from "./all-mutants";
import { mutatedSource, MutantError, type Mutant } from "./mutant";

const usage = `Plants bugs, one after another, and shows which check catches each.

  npm run mutants [-- OPTION... NAME...]     all mutants, or those with these names

  --seeds N         simulate at most so many seeds (2000)
  --specs           leave the simulation out, where a mutant has other suites: quicker
  --jobs N          mutants under way at once (the number of processors)
  --markdown FILE   write the table as Markdown too
  --list            show what there is, and end

Ends with 1 if a mutant survives, or does not fit the source any more.`;

/** What became of a mutant. */
interface Result {
  readonly mutant: Mutant;
  readonly seconds: number;
  readonly outcome: Catch | "survived" | MutantError;
}

interface Options {
  readonly seeds: number;
  readonly jobs: number;
  readonly specsOnly: boolean;
  readonly markdown: string | undefined;
}

async function main(): Promise<void> {
  const { values, positionals: names } = parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: "string", default: "2000" },
      jobs: { type: "string", default: String(availableParallelism()) },
      specs: { type: "boolean", default: false },
      markdown: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  if (values.list) return MUTANTS.forEach(({ name, breaks }) => console.log(`${name}: ${breaks}`));
  const [seeds, jobs] = [Number(values.seeds), Number(values.jobs)];
  if (!(seeds >= 1) || !(jobs >= 1)) throw new TypeError("--seeds and --jobs are numbers from 1 on");
  await runAll(mutantsOf(names), { seeds, jobs, specsOnly: values.specs, markdown: values.markdown });
}

function mutantsOf(names: readonly string[]): readonly Mutant[] {
  if (names.length === 0) return MUTANTS;
  return names.map((name) => {
    const mutant = MUTANTS.find((one) => one.name === name);
    if (mutant === undefined) throw new TypeError(`there is no mutant ${name}; --list shows those there are`);
    return mutant;
  });
}

async function runAll(mutants: readonly Mutant[], options: Options): Promise<void> {
  const { jobs, markdown } = options;
  const results: Result[] = [];
  const waiting = [...mutants];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const result = await run(mutant, options);
      results.push(result);
      console.log(lineOf(result));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const table = tableOf(mutants.map((mutant) => results.find((result) => result.mutant === mutant)!));
  console.log(`\n${table}`);
  if (markdown !== undefined) await writeFile(markdown, `${table}\n`);
  const survivors = results.filter(({ outcome }) => outcome === "survived" || outcome instanceof MutantError);
  console.log(`\n${results.length - survivors.length} of ${results.length} mutants were caught.`);
  if (survivors.length > 0) process.exitCode = 1;
}

async function run(mutant: Mutant, { seeds, specsOnly }: Options): Promise<Result> {
  const begin = performance.now();
  const ended = (outcome: Result["outcome"]): Result => ({
    mutant,
    seconds: (performance.now() - begin) / 1000,
    outcome,
  });
  try {
    mutatedSource(ROOT, mutant);
    const specs = mutant.suites.filter((suite) => suite !== "simulation");
    for (const suite of specsOnly && specs.length > 0 ? specs : mutant.suites) {
      const found = await hunt(mutant, suite, seeds);
      if (found !== undefined) return ended(found);
    }
    return ended("survived");
  } catch (error) {
    if (error instanceof MutantError) return ended(error);
    throw error;
  }
}

function lineOf({ mutant, seconds, outcome }: Result): string {
  return `${mutant.name}: ${describe(outcome)} (${seconds.toFixed(0)} s)`;
}

function describe(outcome: Result["outcome"]): string {
  if (outcome === "survived") return "SURVIVED";
  if (outcome instanceof MutantError) return `CANNOT BE PLANTED: ${outcome.message}`;
  const check = shortened(outcome.check);
  return outcome.seed === undefined ? `${outcome.suite}: ${check}` : `seed ${outcome.seed}: ${check}`;
}

function tableOf(results: readonly Result[]): string {
  const rows = results.map(({ mutant, seconds, outcome }) => {
    const [suite, check, seed] =
      outcome === "survived" || outcome instanceof MutantError
        ? ["-", describe(outcome), "-"]
        : [outcome.suite, outcome.check, outcome.seed ?? "-"];
    return [mutant.name, mutant.breaks, suite, check, seed, seconds.toFixed(0)];
  });
  const head = ["mutant", "what it breaks", "caught by", "check", "seed", "seconds"];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");
}

function cell(value: string | number): string {
  return shortened(String(value)).replaceAll("|", "\\|").replaceAll("`", "'");
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

main().catch((error: unknown) => {
  console.error(error instanceof TypeError ? `${error.message}\n\n${usage}` : error);
  process.exitCode = 2;
});
