// Turns proto/**/*.proto into libs/wire/gen: one static protobufjs module with its types, and the reflection data that
// the JSON mapping walks. Does nothing when neither the protos, nor the generator, nor this script have changed.
//
// Runs on any Node from 18, since `npm install` may run on an older one than the services do.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(import.meta.url);
const root = resolve(dirname(script), "../..");
const protoRoot = join(root, "proto");
const target = join(root, "libs/wire/gen");
const stampFile = join(target, "stamp");
const require = createRequire(import.meta.url);
const cliManifest = require.resolve("protobufjs-cli/package.json");
const pbjs = join(dirname(cliManifest), "bin/pbjs");

const protos = protoFilesIn(protoRoot);
const stamp = stampOf([...protos.map((name) => join(protoRoot, name)), cliManifest, script]);
if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) generate();

function generate() {
  mkdirSync(target, { recursive: true });
  // Built aside and moved in, so that whoever reads gen/ meanwhile never sees half a file.
  const building = mkdtempSync(join(target, "building-"));
  try {
    // Only what the services use: messages are built as plain objects, checked by their types, and framed by gRPC or NATS.
    const lean = ["create", "verify", "convert", "delimited", "typeurl", "service"].map(
      (part) => `--no-${part}`,
    );
    const module = join(building, "protocol.js");
    run([
      "--target",
      "static-module",
      "--wrap",
      "commonjs",
      "--root",
      "quorate",
      ...lean,
      "--dts",
      "--out",
      module,
    ]);
    // The JSON names are the names in the protos; the static module's are camel case.
    run(["--target", "json", "--keep-case", "--out", join(building, "protocol.json")]);
    for (const name of ["protocol.js", "protocol.d.ts", "protocol.json"]) {
      renameSync(join(building, name), join(target, name));
    }
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

function run(options) {
  // Both the files and the import root are relative: a file named in two ways would be read twice.
  execFileSync(process.execPath, [pbjs, ...options, "--path", ".", ...protos], {
    cwd: protoRoot,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function protoFilesIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return protoFilesIn(path);
      return entry.name.endsWith(".proto") ? [relative(protoRoot, path)] : [];
    })
    .sort();
}

function stampOf(files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}
