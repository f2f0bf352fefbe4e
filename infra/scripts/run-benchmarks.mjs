// Runs the compiled benchmarks (`*.bench.ts`, beside what they measure), one process each so that they do not disturb
// one another:   npm run bench:parts [-- WORD...]   runs those whose path contains one of the words.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const words = process.argv.slice(2);

const folders = ["libs", "services"]
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name, "dist")))
  .filter((folder) => existsSync(folder));
const benchmarks = folders
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name))))
  .filter((path) => path.endsWith(".bench.js"))
  .map((path) => relative(root, path))
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort();

if (benchmarks.length === 0) {
  console.error(
    words.length === 0 ? "There are no benchmarks." : `No benchmark's path contains ${words.join(" or ")}.`,
  );
  process.exit(1);
}
for (const path of benchmarks) {
  console.log(`\n== ${path.replace("/dist/", "/").replace(/\.js$/, ".ts")}`);
  const { status } = spawnSync(process.execPath, ["--expose-gc", path], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
