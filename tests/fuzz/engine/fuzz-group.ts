import type { FuzzTarget } from "./fuzz-target";
import { corpusOf, keepFailed } from "./corpus";
import { fuzz, type FuzzFailure } from "./fuzzer";
import { judge } from "./judge";

/** Seconds that the targets of one group share. */
const groupSeconds = Number(process.env["FUZZ_SECONDS"] ?? 60);
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);
/** The only target to run; all of them unless told. */
const only = process.env["FUZZ_TARGET"];

/** Declares the tests of a group of decoders: what once failed stays repaired, and for some time nothing else fails. */
export function fuzzGroup(group: string, targets: readonly FuzzTarget[]): void {
  const chosen = targets.filter(({ name }) => only === undefined || name === only);
  describe(`${group} decoders`, () => {
    if (chosen.length === 0) it.skip("are not those that were asked for", () => {});

    it.each(chosen)("$name holds its promises for every input of the corpus and every seed", (target) => {
      const kept = corpusOf(target.name);
      for (const { name, input } of kept) {
        const { failure } = judge(target, input, true);
        if (failure !== undefined) throw new Error(`${target.name}, ${name}: it ${failure}`);
      }
      for (const input of target.seeds()) expect(judge(target, input, true).failure).toBeUndefined();
      // A target none of whose seeds is read tests nothing but the first lines of its decoder.
      expect(target.seeds().some((input) => judge(target, input, false).accepted)).toBe(true);
    });

    const forMs = (groupSeconds * 1000) / chosen.length;
    it.each(chosen)(
      "$name holds its promises for inputs that nobody thought of",
      (target) => {
        const corpus = corpusOf(target.name).map(({ input }) => input);
        const { failures, ...figures } = fuzz(target, { seed, forMs, corpus });
        const { executions, executionsPerSecond, accepted, shapes } = figures;
        process.stderr.write(
          `${target.name}: ${executions} inputs (${executionsPerSecond}/s), ${accepted} read, ${shapes} shapes, seed ${seed}\n`,
        );
        if (failures.length > 0)
          throw new Error(failures.map((failed) => explain(target, failed)).join("\n\n"));
        expect(executions).toBeGreaterThan(20 + target.seeds().length); // fewer would prove nothing
      },
      2 * forMs + 60_000,
    );
  });
}

function explain({ name }: FuzzTarget, { input, failure }: FuzzFailure): string {
  const file = keepFailed(name, input);
  const shown = Buffer.from(input.subarray(0, 64)).toString("hex");
  return (
    `${name}: it ${failure}\n  input (${input.length} bytes): ${shown}\n  kept in ${file}\n` +
    `  again: npm run fuzz -- --target ${name} --seconds 1 --seed ${seed}`
  );
}
