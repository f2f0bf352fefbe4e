// Brings node_modules in step with package-lock.json, so that every documented command works in a fresh clone.
// Runs on any Node from 18 on and imports nothing that is not built in: it is what installs the rest.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const stampPath = join(root, "node_modules", ".quorate-deps");
// Outside node_modules, which `npm ci` removes.
const lockPath = join(root, ".nx", "install.lock");
const NODE_MAJOR_MIN = 24;
const LOCK_WAIT_MS = 10 * 60_000;
let holdsLock = false;

const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(`${process.platform}/${process.arch}`)
  .digest("hex");

if (!isInstalled()) withLock(install);
checkNode();

function isInstalled() {
  return existsSync(stampPath) && readFileSync(stampPath, "utf8") === wanted;
}

function install() {
  if (isInstalled()) return; // another process did it while this one waited for the lock
  console.error(
    "Installing dependencies (npm ci): node_modules is missing or older than package-lock.json ...",
  );
  const env = installEnvironment();
  // `npm_execpath` is the npm that runs this script; without it, the one on PATH.
  const npm = process.env.npm_execpath;
  const args = ["ci", "--loglevel=error", "--no-audit", "--no-fund"];
  const result =
    npm !== undefined && npm.endsWith(".js")
      ? spawnSync("node", [npm, ...args], { cwd: root, env, stdio: ["ignore", 2, 2] })
      : spawnSync("npm", args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) {
    fail(
      `npm ci failed (${result.error?.message ?? `exit code ${result.status}`}). Fix what it reports above and try again.`,
    );
  }
  writeFileSync(stampPath, wanted);
}

/**
 * The environment of the outer npm command would leak its flags into `npm ci` (`npm start --omit=dev`, a workspace, a
 * log level), and its PATH leads to the very `node` that `npm ci` is about to remove. How to reach the registry stays.
 */
function installEnvironment() {
  const kept =
    /^npm_config_(registry|cache|cafile|ca|proxy|https_proxy|noproxy|userconfig|globalconfig|offline|prefer_offline)$/i;
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/^npm_(config|lifecycle|package)_/i.test(name) && !kept.test(name)) continue;
    env[name] = value;
  }
  const separator = process.platform === "win32" ? ";" : ":";
  env.PATH = (process.env.PATH ?? "")
    .split(separator)
    .filter((entry) => !/node_modules[\\/]\.bin[\\/]?$/.test(entry))
    .join(separator);
  return env;
}

/** `mkdir` either makes the directory or fails, on every file system: two commands started at once install once. */
function withLock(work) {
  mkdirSync(dirname(lockPath), { recursive: true });
  const giveUpAt = Date.now() + LOCK_WAIT_MS;
  let told = false;
  while (!tryLock()) {
    if (holderIsGone()) {
      rmSync(lockPath, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > giveUpAt)
      fail(`Another installation still runs. If it does not, remove ${lockPath} and try again.`);
    if (!told) console.error("Waiting for another process that installs dependencies ...");
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
  try {
    work();
  } finally {
    rmSync(lockPath, { recursive: true, force: true });
    holdsLock = false;
  }
}

function tryLock() {
  try {
    mkdirSync(lockPath);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
  holdsLock = true;
  writeFileSync(join(lockPath, "pid"), String(process.pid));
  return true;
}

function holderIsGone() {
  let pid;
  try {
    pid = Number(readFileSync(join(lockPath, "pid"), "utf8"));
  } catch {
    return false; // it is being taken or released right now
  }
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** The services use what Node 24 brought. It comes as an optional dependency, which npm skips on platforms without it. */
function checkNode() {
  const node = join(root, "node_modules", ".bin", "node");
  const path = existsSync(node) ? node : process.execPath;
  const version = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.trim() ?? "none";
  if (Number(/^v(\d+)/.exec(version)?.[1] ?? 0) < NODE_MAJOR_MIN) {
    fail(
      `Quorate runs on Node ${NODE_MAJOR_MIN} or newer, but ${path} is ${version}. No ready Node comes with the ` +
        `dependencies for ${process.platform}/${process.arch}: install Node ${NODE_MAJOR_MIN} and try again.`,
    );
  }
}

function fail(message) {
  console.error(message);
  if (holdsLock) rmSync(lockPath, { recursive: true, force: true });
  process.exit(1);
}
