import { resolve } from "node:path";
import { Command } from "commander";
import { controlCommand, devStatusCommand } from "./control-commands";
import { devCommand } from "./dev-command";
import { DATA_DIR_DEFAULT, type DevFlags } from "./dev-options";

const ACTIONS = {
  kill: "end a process at once, as a crash would, and keep it down",
  pause: "freeze a process, as a hanging host would",
  resume: "let a paused process go on",
  start: "start a process that was killed or given up",
} as const;

/** `quorate dev` and the commands that act on a running one. */
export function devProgram(): Command {
  const dev = new Command("dev")
    .description("run a development cluster on this machine")
    .enablePositionalOptions()
    .option("--members <count>", "raft-nodes (3)")
    .option("--gateways <count>", "kv-gateways, which serve clients (1)")
    .option("--fanouts <count>", "watch-fanouts, which deliver changes to those who watch (1)")
    .option("--event-subjects <on|off>", "publish each change as a plain message, too (on)")
    .option(
      "--log-keep-entries <count>",
      "applied entries that members keep in their logs for others that lag (5000)",
    )
    .option(
      "--client-urls <urls>",
      "where the gateways listen (http://127.0.0.1:2379 and the ports after it)",
    )
    .option(
      "--auto-compaction-mode <mode>",
      "periodic or revision: what --auto-compaction-retention counts (periodic)",
    )
    .option(
      "--auto-compaction-retention <retention>",
      "how much history is kept, such as 10m, or a number of hours or revisions; 0: all (0)",
    )
    .option("--data-dir <dir>", `where the cluster keeps everything (${DATA_DIR_DEFAULT})`)
    .option("--nats-url <url>", "use this broker and start none")
    .option("--broker-port <port>", "where the broker listens that is started (4222, or any that is free)")
    .option("--cluster <name>", "the cluster's name (dev)")
    .option("--quota-backend-bytes <bytes>", "what may be stored before writes are refused (0: 8 GiB)")
    .option("--alarm-clear <how>", "whether NOSPACE clears itself: auto or manual (auto)")
    .option("--ballast-bytes <bytes>", "space that each member keeps for a full disk; 0: none (8388608)")
    .option("--corrupt-check-time <time>", "how often members are compared by their hashes; 0: never (6h)")
    .option("--scrub-interval <time>", "within which time members read all that they store; 0: never (24h)")
    .option("--fresh", "start over: remove what the data directory holds")
    .option("--detach", "return once the cluster works, and leave it running")
    // Set by --detach on the supervisor that it starts.
    .option("--supervised", undefined, false)
    .action(async (flags: DevFlags & { supervised: boolean }) => {
      await devCommand({ flags, supervised: flags.supervised });
    });
  hideOption(dev, "--supervised");

  for (const [name, description] of Object.entries(ACTIONS)) {
    withDataDir(
      dev.command(name).description(description).argument("<name>", "n1, gateway1, broker1, ..."),
    ).action(async (target: string, flags: DevFlags) => {
      console.log(
        await controlCommand(dataDirOf(flags), { command: name as keyof typeof ACTIONS, name: target }),
      );
    });
  }
  withDataDir(
    dev
      .command("add")
      .description("add a member: as a learner first, a voter once it has caught up")
      .option("--learner", "leave it a learner"),
  ).action(async (flags: DevFlags & { learner?: boolean }) => {
    const request = { command: "add", learner: flags.learner ?? false } as const;
    console.log(await controlCommand(dataDirOf(flags), request));
  });
  withDataDir(
    dev.command("remove").description("remove a member, and delete its data").argument("<name>", "n1, ..."),
  ).action(async (name: string, flags: DevFlags) => {
    console.log(await controlCommand(dataDirOf(flags), { command: "remove", name }));
  });
  withDataDir(dev.command("stop").description("stop the whole cluster")).action(async (flags: DevFlags) => {
    console.log(await controlCommand(dataDirOf(flags), { command: "stop" }));
  });
  withDataDir(dev.command("status").description("what runs where")).action(async (flags: DevFlags) => {
    console.log(await devStatusCommand(dataDirOf(flags)));
  });
  return dev;
}

function withDataDir(command: Command): Command {
  return command.option("--data-dir <dir>", `the cluster's data directory (${DATA_DIR_DEFAULT})`);
}

function dataDirOf(flags: DevFlags): string {
  return resolve(flags.dataDir ?? DATA_DIR_DEFAULT);
}

function hideOption(command: Command, flag: string): void {
  for (const option of command.options) if (option.long === flag) option.hidden = true;
}
