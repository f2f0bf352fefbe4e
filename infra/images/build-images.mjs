// Builds `quorate:local`, which holds all programs of Quorate, from this checkout as it was compiled last.
//   node infra/images/build-images.mjs [--base IMAGE] [--broker IMAGE] [--tag NAME]
// Without --base and --broker nothing is fetched: both are made of this machine's files, as `quorate-base:local` and
// `quorate-nats:local`.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { layOutBase, USER_ID } from "./base-files.mjs";
import { bundlePrograms, rocksdbLibrary } from "./bundle-programs.mjs";
import { docker, imageSize, importImage } from "./docker.mjs";
import { findLocalProgram } from "./local-programs.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const BASE = "quorate-base:local";
const BROKER = "quorate-nats:local";

const { values: options } = parseArgs({
  options: {
    base: { type: "string" },
    broker: { type: "string" },
    tag: { type: "string", default: "quorate:local" },
  },
});

// Everybody may read what is in an image, whatever the umask here.
process.umask(0o022);
const folder = mkdtempSync(join(tmpdir(), "quorate-images-"));
try {
  docker(["version", "--format", "{{.Server.Version}}"]);
  if (options.base === undefined) await makeBase(join(folder, "base"));
  if (options.broker === undefined) await makeBroker(join(folder, "broker"));
  await buildImage(join(folder, "context"));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** What the programs need beside themselves: Node, and a shell with `cat`, by which a member's broker is tied to it. */
async function makeBase(root) {
  mkdirSync(root);
  const programs = {
    "/usr/local/bin/node": findLocalProgram("node"),
    "/bin/sh": findLocalProgram("sh"),
    "/bin/cat": findLocalProgram("cat"),
  };
  layOutBase(root, programs, [rocksdbLibrary(), findLocalProgram("nats-server")]);
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  tell(BASE, await importImage(BASE, root, [`ENV PATH=${path}`, 'CMD ["node"]']));
}

/** Laid out as the public image of that name, whose place it takes. */
async function makeBroker(root) {
  mkdirSync(root);
  layOutBase(root, { "/nats-server": findLocalProgram("nats-server") });
  const changes = [`USER ${USER_ID}`, "EXPOSE 4222 6222 8222", 'ENTRYPOINT ["/nats-server"]'];
  tell(BROKER, await importImage(BROKER, root, changes));
}

async function buildImage(context) {
  mkdirSync(context);
  await bundlePrograms(context);
  cpSync(join(here, "Dockerfile"), join(context, "Dockerfile"));
  const args = { BASE: options.base ?? BASE, BROKER: options.broker ?? BROKER };
  docker([
    "build",
    "--target=bundled",
    ...Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`),
    `--tag=${options.tag}`,
    resolve(context),
  ]);
  tell(options.tag, true);
}

function tell(tag, isNew) {
  const megabytes = (imageSize(tag) / 1e6).toFixed(0);
  console.log(`${tag}: ${megabytes} MB${isNew ? "" : ", as it was"}`);
}
