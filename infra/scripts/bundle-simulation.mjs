// Makes one file of the simulation, and one of its worker, beside what tsc compiled. In a bundle a function of another
// library is called directly; between CommonJS files each call goes through the getters of two index files, which no
// optimizer removes. Seeds take some ten percent less CPU, and give the same traces. The build before has checked the types.
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Libraries by their sources: what tsc compiled of them are CommonJS files again. */
const librarySources = {
  name: "library-sources",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@quorate\/[\w-]+$/ }, ({ path }) => ({
      path: join(root, "libs", path.slice("@quorate/".length), "src", "index.ts"),
    })),
};

await build({
  absWorkingDir: root,
  entryPoints: [
    { in: "tests/simulation/simulate.ts", out: "simulate.bundle" },
    { in: "tests/simulation/seed-worker.ts", out: "seed-worker.bundle" },
  ],
  outdir: "tests/dist/simulation",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  sourcemap: true,
  logLevel: "warning",
  plugins: [librarySources],
});
