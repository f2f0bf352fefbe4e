import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Checks that may catch a mutant. "simulation": seeds of a whole cluster. The others are specs: of the Raft core by its
 * transcripts, by the rules of the paper, or by random clusters of cores; scenes on simulated time; or those of one project,
 * if need be only files whose path contains what follows the slash.
 */
export type Suite = "simulation" | SpecSuite;
export type SpecSuite = "transcripts" | "paper" | "core-random" | "scenes" | `unit:${string}`;

/** A planted bug, as data: production code knows nothing of it. */
export interface Mutant {
  /** Unique, in kebab-case. */
  readonly name: string;
  /** The promise that it breaks. */
  readonly breaks: string;
  /** Path of the source file from the root of the repository. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Where it is expected to be caught, the first try first. */
  readonly suites: readonly Suite[];
}

/** What a process that runs with a mutant is told of it. */
export type Mutation = Pick<Mutant, "file" | "find" | "replace">;

/** The environment variable that holds a {@link Mutation} as JSON. */
export const MUTATION_VARIABLE = "QUORATE_MUTATION";

/** The mutant does not fit the source any more: it has to be written anew, or it is pointless. */
export class MutantError extends Error {
  override readonly name = "MutantError";
}

/** @returns The changed text of the mutant's file. @throws {MutantError} `find` does not occur exactly once. */
export function mutatedSource(root: string, mutation: Mutation): string {
  return mutate(readFileSync(join(root, mutation.file), "utf8"), mutation);
}

/** @throws {MutantError} `find` does not occur exactly once in `source`. */
export function mutate(source: string, { file, find, replace }: Mutation): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new MutantError(
      `${file} has ${parts.length - 1} times, and not once, the text ${JSON.stringify(find)}`,
    );
  return parts.join(replace);
}
