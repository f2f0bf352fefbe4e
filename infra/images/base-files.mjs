// What an image must hold so that the given programs run in it, taken from this machine: for where no registry can be reached.
import { spawnSync } from "node:child_process";
import { copyFileSync, chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Who runs everything; a number, which also says to Kubernetes that it is not root. */
export const USER_ID = 10001;
/** For brokers and for fetching over TLS, if this machine has it. */
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/**
 * @param folder Becomes the root of the image.
 * @param programs Paths here, by the paths in the image.
 * @param libraries Of shared libraries that come into the image later: what these need is there.
 */
export function layOutBase(folder, programs, libraries = []) {
  const sources = Object.values(programs);
  for (const [path, source] of Object.entries(programs)) place(folder, path, source);
  for (const needed of new Set([...sources, ...libraries].flatMap(sharedLibraries)))
    place(folder, needed, needed);
  if (existsSync(CERTIFICATES)) place(folder, CERTIFICATES, CERTIFICATES);
  write(
    folder,
    "etc/passwd",
    `root:x:0:0:root:/root:/sbin/nologin\nquorate:x:${USER_ID}:${USER_ID}:quorate:/data:/sbin/nologin\n`,
  );
  write(folder, "etc/group", `root:x:0:\nquorate:x:${USER_ID}:\n`);
  // Without it the C library asks no name server.
  write(folder, "etc/nsswitch.conf", "hosts: files dns\n");
  mkdirSync(join(folder, "tmp"));
  chmodSync(join(folder, "tmp"), 0o1777);
}

/** Absolute paths of what the loader would load with it; nothing for a static program. */
function sharedLibraries(path) {
  const { stdout, error } = spawnSync("ldd", [path], { encoding: "utf8" });
  if (error !== undefined)
    throw new Error(`Cannot find out what ${path} needs by ldd: ${error.message}`, { cause: error });
  const missing = /^\s*(\S+) => not found/m.exec(stdout);
  if (missing !== null) throw new Error(`${path} needs ${missing[1]}, which is not here.`);
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, library]) => library);
}

function place(folder, path, source) {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}

function write(folder, path, text) {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}
