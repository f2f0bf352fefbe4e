import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Schedule } from "./schedule";

/** A run that failed once, or fails with a planted bug. */
export interface Regression {
  readonly seed: number;
  readonly schedule: Schedule;
  /** What it has found. */
  readonly why: string;
}

/** Of `tests/simulation`, from the sources and from `dist`. */
const FOLDER = join(__dirname.replace(/([\\/]tests)[\\/]dist([\\/])/, "$1$2"), "regressions");

export function regressionNames(): string[] {
  return readdirSync(FOLDER).flatMap((file) =>
    file.endsWith(".json") ? [file.slice(0, -".json".length)] : [],
  );
}

export function readRegression(name: string): Regression {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8")) as Regression;
}

/** One item a line, so that one can be taken out by hand. @returns the file. */
export function writeRegression(name: string, { seed, why, schedule }: Regression): string {
  mkdirSync(FOLDER, { recursive: true });
  const items = schedule.map((item) => `    ${JSON.stringify(item)}`).join(",\n");
  const file = join(FOLDER, `${name}.json`);
  const head = `  "seed": ${seed},\n  "why": ${JSON.stringify(why)},`;
  writeFileSync(file, `{\n${head}\n  "schedule": [\n${items}\n  ]\n}\n`);
  return file;
}
