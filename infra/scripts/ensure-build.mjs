// Compiles if a source is newer than the last build, and costs a few milliseconds if none is: the commands that people
// type over and over go through here, and starting Nx (1.3 s) or `tsc -b` (0.5 s) each time would be felt.
// `--force` leaves the decision to Nx, whose cache is keyed by content.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const stampPath = join(root, "node_modules", ".cache", "quorate", "built");

if (process.argv.includes("--force") || isStale()) build();

function build() {
  const startedAt = new Date();
  const nx = join(root, "node_modules", "nx", "dist", "bin", "nx.js");
  // On success only the outcome matters, and stdout belongs to the command that follows.
  const result = spawnSync(process.execPath, [nx, "run", "quorate:compile"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NX_TASKS_RUNNER_DYNAMIC_OUTPUT: "false" },
  });
  if (result.status !== 0) {
    console.error(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`);
    console.error("The build failed: see above.");
    process.exit(1);
  }
  mkdirSync(dirname(stampPath), { recursive: true });
  // Dated from before the build: what changed while it ran counts as newer.
  writeFileSync(stampPath, `${startedAt.toISOString()}\n`);
}

function isStale() {
  if (!existsSync(stampPath)) return true;
  const builtAt = Date.parse(readFileSync(stampPath, "utf8").trim());
  if (Number.isNaN(builtAt)) return true;
  const projects = ["libs", "services"].flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(root, group, entry.name)),
  );
  if (!existsSync(join(root, "libs", "wire", "gen"))) return true;
  if (projects.some((project) => existsSync(join(project, "src")) && !existsSync(join(project, "dist"))))
    return true;
  const inputs = [
    ...projects.flatMap((project) => [join(project, "src"), join(project, "tsconfig.json")]),
    ...["proto", "infra/scripts", "infra/tsconfig.build.json", "tsconfig.base.json", "package-lock.json"].map(
      (path) => join(root, path),
    ),
  ];
  return inputs.some((path) => newestChange(path) > builtAt);
}

/** Folders count with their own time too: it changes when a file is added, removed or renamed. */
function newestChange(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestChange(join(path, name))),
    stat.mtimeMs,
  );
}
