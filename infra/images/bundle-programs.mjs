// What the image holds of ours: each program as one file with all that it imports, so that no node_modules is needed beside it.
//   node infra/images/bundle-programs.mjs FOLDER     for the Dockerfile beside this
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const require = createRequire(import.meta.url);

/** Where they are in the image. */
const PROGRAMS_FOLDER = "opt/quorate";
/** By the name of the command. */
const PROGRAMS = {
  quorate: "services/quorate/dist/main.js",
  "raft-node": "services/raft-node/dist/main.js",
  "kv-gateway": "services/kv-gateway/dist/main.js",
  "watch-fanout": "services/watch-fanout/dist/main.js",
  "quorate-health": "infra/images/health.mjs",
};
/** What a raft-node starts as threads: it looks for them in this folder beside its own file. */
const THREADS = {
  "threads/log-writer-thread": "services/raft-node/dist/threads/log-writer-thread.js",
  "threads/applier-thread": "services/raft-node/dist/threads/applier-thread.js",
};

/** The path of RocksDB for this platform: what the binding looks for when it is loaded, which finds nothing in a bundle. */
export function rocksdbLibrary() {
  return require("node-gyp-build").path(dirname(require.resolve("@nxtedition/rocksdb")));
}

/** Has the library copied into the bundle, once, and required by where it is there. */
const rocksdbBinding = {
  name: "rocksdb-binding",
  setup({ onLoad }) {
    onLoad({ filter: /@nxtedition[\\/]rocksdb[\\/]binding\.js$/ }, () => ({
      contents: `module.exports = require(${JSON.stringify(rocksdbLibrary())});`,
    }));
  },
};

/**
 * Leaves two trees that belong at the root of the image: `programs`, and `owned`, which is the user's: the folder for data.
 *
 * @param folder Empty or not there yet.
 */
export async function bundlePrograms(folder) {
  const programs = join(folder, "programs", PROGRAMS_FOLDER);
  await build({
    absWorkingDir: root,
    entryPoints: { ...PROGRAMS, ...THREADS },
    outdir: programs,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    // A stack names the source's file and line, without the sources' text, which is most of a map.
    sourcemap: true,
    sourcesContent: false,
    minifyWhitespace: true,
    minifySyntax: true,
    banner: { js: "#!/usr/local/bin/node --enable-source-maps" },
    loader: { ".node": "copy" },
    assetNames: "[name]",
    plugins: [rocksdbBinding],
    logLevel: "warning",
  });
  const commands = join(folder, "programs/usr/local/bin");
  mkdirSync(commands, { recursive: true });
  for (const name of Object.keys(PROGRAMS)) {
    chmodSync(join(programs, `${name}.js`), 0o755);
    symlinkSync(`/${PROGRAMS_FOLDER}/${name}.js`, join(commands, name));
  }
  mkdirSync(join(folder, "owned/data"), { recursive: true, mode: 0o700 });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    console.error("Say where to: node infra/images/bundle-programs.mjs FOLDER");
    process.exit(2);
  }
  await bundlePrograms(resolve(folder));
}
