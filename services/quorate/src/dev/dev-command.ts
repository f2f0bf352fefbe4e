import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { systemClock } from "@quorate/actor";
import { CommandError, messageOf } from "../command-error";
import { readClusterFile } from "./cluster-file";
import { controlPath, isControlled } from "./control";
import { openDataDirectory, readTopology } from "./data-directory";
import { runDetached, tellStarter } from "./detach";
import { DATA_DIR_DEFAULT, parseDevOptions, type DevFlags, type DevOptions } from "./dev-options";
import { findProgram } from "./find-program";
import { endLeftovers } from "./leftovers";
import { renderLogLine } from "./log-line";
import { accepts, addressOf, checkClientUrls, freePort } from "./ports";
import { brokerConfig, brokerConfigPath, planProcesses, type ProcessPlan } from "./process-plan";
import { summary } from "./summary";
import { Supervisor } from "./supervisor";
import { presentMembers, type Topology } from "./topology";

const READY_TIMEOUT_MS = 60_000;
const NATS_PROBE_MS = 3_000;
const NATS_PORT = 4222;
const SERVICES_DIR = resolve(__dirname, "../../..");

/** What `quorate dev` was started for: in a terminal, to put it into the background, or as that background. */
export interface DevInvocation {
  readonly flags: DevFlags;
  /** This process is the one that runs in the background. */
  readonly supervised: boolean;
}

/** Runs a development cluster, and returns when it was stopped, or detached once it works. @throws {CommandError} */
export async function devCommand({ flags, supervised }: DevInvocation): Promise<void> {
  const options = parseDevOptions(flags);
  const control = controlPath(options.dataDir);
  if (await isControlled(control)) {
    throw new CommandError(
      `A development cluster already runs in ${options.dataDir}: stop it with \`quorate dev stop --data-dir ${options.dataDir}\`, or use another --data-dir.`,
    );
  }
  const left = await endLeftovers(readClusterFile(options.dataDir));
  if (left.length > 0) console.log(`Ended what a killed supervisor had left running: ${left.join(", ")}.`);
  await checkClientUrls(options.clientUrls);
  const natsServer = await checkBroker(options.natsUrl);
  const topology = openDataDirectory(options);
  if (options.detach) {
    console.log(await runDetached(options));
    return;
  }
  await supervise(options, { topology, natsServer, control, supervised });
}

/** @returns The path of nats-server, unless a broker runs at `natsUrl`. @throws {CommandError} There is neither. */
async function checkBroker(natsUrl: string | undefined): Promise<string | undefined> {
  if (natsUrl !== undefined) {
    const { host, port } = addressOf(natsUrl);
    if (await accepts(host, port, NATS_PROBE_MS)) return undefined;
    throw new CommandError(
      `No broker answers at ${natsUrl}: start one there, or leave out --nats-url to get one.`,
    );
  }
  const path = findProgram("nats-server");
  if (path !== undefined) return path;
  throw new CommandError(
    "nats-server is not installed: `npm start` installs it, or name a broker that runs with --nats-url.",
  );
}

interface Prepared {
  readonly topology: Topology;
  readonly natsServer: string | undefined;
  readonly control: string;
  readonly supervised: boolean;
}

async function supervise(options: DevOptions, prepared: Prepared): Promise<void> {
  const { dataDir, clientUrls, fanouts, nodeFlags, eventSubjects } = options;
  const { topology, natsServer, control, supervised } = prepared;
  const { brokerPort = await freePort("127.0.0.1", NATS_PORT) } = options;
  const natsUrl = options.natsUrl ?? `nats://127.0.0.1:${brokerPort}`;
  if (natsServer !== undefined) writeBrokerConfig(dataDir, natsUrl);
  const plan = (): ProcessPlan[] =>
    planProcesses({
      topology: readTopology(dataDir),
      dataDir,
      clientUrls,
      fanouts,
      nodeFlags,
      eventSubjects,
      natsUrl,
      natsServer,
      node: process.execPath,
      servicesDir: SERVICES_DIR,
    });
  const nameWidth = Math.max(...plan().map(({ name }) => name.length));
  const color = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;

  const supervisor = new Supervisor(
    {
      cluster: topology.cluster,
      dataDir,
      natsUrl,
      clientUrls,
      controlPath: control,
      plan,
      readyTimeoutMs: READY_TIMEOUT_MS,
    },
    {
      clock: systemClock,
      showLine: (name, line) => {
        if (supervised) return; // the process's own log file has it
        const rendered = renderLogLine(name, line, { color, nameWidth });
        if (rendered !== undefined) console.log(rendered);
      },
      report: (message) => console.log(`quorate: ${message}`),
      ready: (processes) => {
        const text = summary({
          cluster: topology.cluster,
          dataDir,
          clientUrls,
          processes,
          detached: supervised,
          cwd: process.cwd(),
          isDefaultDataDir: dataDir === resolve(DATA_DIR_DEFAULT),
        });
        if (supervised) tellStarter({ kind: "ready", text });
        else console.log(`\n${text}\n`);
      },
    },
  );
  stopOnSignals(supervisor, supervised);
  console.log(
    `Starting cluster "${topology.cluster}" with ${presentMembers(topology).length} members in ${dataDir} ...`,
  );
  try {
    await supervisor.run();
    console.log("Stopped.");
  } catch (error) {
    if (supervised) tellStarter({ kind: "failed", text: messageOf(error) });
    throw error;
  }
}

function writeBrokerConfig(dataDir: string, natsUrl: string): void {
  const path = brokerConfigPath(dataDir);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, brokerConfig(natsUrl));
}

function stopOnSignals(supervisor: Supervisor, supervised: boolean): void {
  let asked = false;
  const stop = (): void => {
    if (asked) {
      supervisor.killAll(); // asked twice: at once
      return;
    }
    asked = true;
    console.log("Stopping ...");
    supervisor.requestStop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  process.once("exit", () => supervisor.killAll());
  // Whoever read the output may be gone (`npm start | head`): that must not orphan the processes.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  // The command that put this into the background was itself ended before all was ready.
  if (supervised) process.once("disconnect", stop);
}
