import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../harness/repository";

const CORPUS = join(repositoryRoot, "tests", "fuzz", "corpus");

export interface CorpusInput {
  /** `seed-NN`: something else to begin with. `failed-HASH`: it was a failure once, and must not be one again. */
  readonly name: string;
  readonly input: Uint8Array;
}

/** What the repository keeps for the target `name`. */
export function corpusOf(name: string): readonly CorpusInput[] {
  const folder = join(CORPUS, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.startsWith("seed-") || file.startsWith("failed-"))
    .sort()
    .map((file) => ({ name: file, input: new Uint8Array(readFileSync(join(folder, file))) }));
}

/** @returns The path of the file that holds `input` from now on, relative to the repository. */
export function keepFailed(name: string, input: Uint8Array): string {
  const hash = createHash("sha256").update(input).digest("hex").slice(0, 12);
  const file = join("tests", "fuzz", "corpus", name, `failed-${hash}`);
  mkdirSync(join(CORPUS, name), { recursive: true });
  writeFileSync(join(repositoryRoot, file), input);
  return file;
}
