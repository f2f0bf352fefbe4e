// Makes sure that a Docker daemon answers: installs Docker with the system's package manager if there is none, and starts the
// daemon, which then stays, if none runs. Needs root for both.   node ensure-docker.mjs
import { spawn, spawnSync } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const LOG = join(tmpdir(), "quorate-dockerd.log");
const LOG_LINES_SHOWN = 15;
const ANSWERS_WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 250;
/** How it is tried to start the daemon: as it is set up, and with what is slower, but asks nothing of the kernel. */
const ATTEMPTS = [[], ["--storage-driver=vfs"]];

const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;

if (!answers()) {
  if (programOf("dockerd") === undefined) install();
  await startDaemon();
}
console.error(`Docker ${said("version", "--format", "{{.Server.Version}}")} answers.`);

function install() {
  const script = join(dirname(fileURLToPath(import.meta.url)), "ensure-system.mjs");
  // The last two let tests break networks.
  const { status } = spawnSync(process.execPath, [script, "docker.io", "iptables", "iproute2"], {
    stdio: ["inherit", 2, 2],
  });
  if (status !== 0) process.exit(1);
}

async function startDaemon() {
  const program = programOf("dockerd");
  if (program === undefined) fail("There is no dockerd on this machine: start Docker by hand.");
  if (process.getuid?.() !== 0) fail("Docker does not run, and only root can start it: start it by hand.");
  const logs = [];
  for (const flags of ATTEMPTS) {
    console.error(`Starting ${[program, ...flags].join(" ")}, which logs to ${LOG} ...`);
    const fd = openSync(LOG, "w");
    const daemon = spawn(program, flags, {
      detached: true,
      stdio: ["ignore", fd, fd],
      env: { ...process.env, PATH: path },
    });
    const ended = new Promise((resolve) => daemon.once("exit", resolve).once("error", resolve));
    let isOver = false;
    void ended.then(() => (isOver = true));
    daemon.unref();
    for (
      const until = Date.now() + ANSWERS_WITHIN_MS;
      Date.now() < until && !isOver;
      await pause(LOOK_EVERY_MS)
    ) {
      if (answers()) return;
    }
    if (!isOver) {
      daemon.kill();
      await ended;
    }
    logs.push(
      `-- ${["dockerd", ...flags].join(" ")}`,
      ...readFileSync(LOG, "utf8").trimEnd().split("\n").slice(-LOG_LINES_SHOWN),
    );
  }
  fail(`Docker does not start:\n${logs.join("\n")}`);
}

function answers() {
  return said("info", "--format", "{{.ServerVersion}}") !== "";
}

/** What `docker` prints, nothing if it fails. */
function said(...args) {
  const { status, stdout } = spawnSync("docker", args, {
    encoding: "utf8",
    env: { ...process.env, PATH: path },
  });
  return status === 0 ? stdout.trim() : "";
}

function programOf(name) {
  return path
    .split(":")
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
