// Makes sure that programs which npm cannot provide are on PATH, and installs them with the system's package manager if
// not:   node ensure-system.mjs nats-server [--optional etcd-client etcd-server]
// What follows `--optional` is only warned about when it cannot be installed.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** By name of the Debian package: the program to look for, and where other systems have it. */
const tools = {
  "nats-server": { program: "nats-server", brew: "nats-server", page: "https://nats.io/download" },
  "etcd-server": { program: "etcd", brew: "etcd", page: "https://etcd.io/docs/latest/install" },
  "etcd-client": { program: "etcdctl", brew: "etcd", page: "https://etcd.io/docs/latest/install" },
  "docker.io": { program: "dockerd", brew: "docker", page: "https://docs.docker.com/engine/install" },
  iptables: { program: "iptables", brew: "iptables", page: "https://www.netfilter.org/projects/iptables" },
  iproute2: {
    program: "tc",
    brew: "iproute2mac",
    page: "https://wiki.linuxfoundation.org/networking/iproute2",
  },
};

const names = process.argv.slice(2);
const optionalFrom = names.includes("--optional") ? names.indexOf("--optional") : names.length;
const asked = names
  .map((name, at) => ({ name, optional: at > optionalFrom }))
  .filter(({ name }) => name !== "--optional");

for (const { name } of asked) {
  if (!Object.hasOwn(tools, name)) {
    console.error(`Unknown tool "${name}": choose from ${Object.keys(tools).join(", ")}.`);
    process.exit(2);
  }
}

const missing = asked.filter(({ name }) => !isOnPath(tools[name].program));
if (missing.length > 0) install(missing.map(({ name }) => name));

const stillMissing = missing.filter(({ name }) => !isOnPath(tools[name].program));
for (const { name, optional } of stillMissing) {
  const { program, page } = tools[name];
  const consequence = optional ? "What needs it is skipped or fails." : "It is required.";
  console.error(
    `Could not find or install ${program} (package ${name}). ${consequence} Install it by hand: ${page}`,
  );
}
if (stillMissing.some(({ optional }) => !optional)) process.exit(1);

function install(packages) {
  if (isOnPath("apt-get")) {
    const isRoot = process.getuid?.() === 0;
    if (!isRoot && !isOnPath("sudo")) return;
    const prefix = isRoot ? [] : ["sudo"];
    console.error(`Installing ${packages.join(", ")} with apt-get${isRoot ? "" : " (sudo)"} ...`);
    // A machine that has never run `update` knows no packages at all. A mirror that fails may still know these.
    run([...prefix, "apt-get", "-qq", "update"]);
    // RUNLEVEL=1 asks the packages' scripts not to start their daemons, which would take the ports that Quorate wants.
    // Where it is not heeded, a port in use is reported by `quorate dev`.
    run([
      ...prefix,
      "env",
      "DEBIAN_FRONTEND=noninteractive",
      "RUNLEVEL=1",
      "apt-get",
      "-qq",
      "-y",
      "install",
      "--no-install-recommends",
      ...packages,
    ]);
  } else if (isOnPath("brew")) {
    const formulas = [...new Set(packages.map((name) => tools[name].brew))];
    console.error(`Installing ${formulas.join(", ")} with brew ...`);
    run(["brew", "install", "--quiet", ...formulas]);
  }
}

/** Installers write to stderr here, so that stdout belongs to the command this one prepares. */
function run([command, ...args]) {
  return spawnSync(command, args, { stdio: ["inherit", 2, 2] }).status === 0;
}

function isOnPath(program) {
  // Debian keeps nats-server in /usr/sbin, which is not on an ordinary user's PATH.
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}
