import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { CommandError } from "../command-error";
import { clusterCommand, leaseIdOf, ttlSecondsOf, type OutputFlags } from "./cluster-command";
import { withClient } from "./connection";
import { leaseText, renderGrant, renderLeases, renderRenewal, renderTimeToLive } from "./lease-output";
import { parseOutputFormat } from "./output-format";

/** `quorate lease …`, as etcdctl's. */
export function leaseCommand(): Command {
  return new Command("lease")
    .description("grant, renew, look at and revoke leases")
    .addCommand(grantCommand())
    .addCommand(revokeCommand())
    .addCommand(keepAliveCommand())
    .addCommand(timeToLiveCommand())
    .addCommand(listCommand());
}

function grantCommand(): Command {
  return clusterCommand("grant")
    .description("a lease that nobody renews unless told")
    .argument("<ttl>", "seconds")
    .action(async (ttl: string, flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const seconds = ttlSecondsOf("TTL", ttl);
      const granted = await withClient(flags, (client) => client.grantLease(seconds));
      process.stdout.write(renderGrant(granted, format));
    });
}

function revokeCommand(): Command {
  return clusterCommand("revoke")
    .description("end a lease, and delete the keys attached to it")
    .argument("<lease>", "its id in hexadecimal")
    .action(async (lease: string, flags: OutputFlags) => {
      const id = leaseIdOf("lease", lease);
      await withClient(flags, (client) => client.revokeLease(id));
      process.stdout.write(`lease ${leaseText(id)} revoked\n`);
    });
}

function keepAliveCommand(): Command {
  interface Flags extends OutputFlags {
    readonly once?: boolean;
  }
  return clusterCommand("keep-alive")
    .description("renew a lease every third of its TTL, until it is gone or Ctrl-C")
    .argument("<lease>", "its id in hexadecimal")
    .option("--once", "renew it once")
    .action(async (lease: string, flags: Flags) => {
      const format = parseOutputFormat(flags.writeOut);
      const id = leaseIdOf("lease", lease);
      await withClient(flags, async (client) => {
        for (;;) {
          const renewed = await client.keepAliveOnce(id);
          if (renewed.ttlSeconds <= 0) break;
          process.stdout.write(renderRenewal(renewed, format));
          if (flags.once === true) return;
          await pause((renewed.ttlSeconds * 1000) / 3);
        }
        if (flags.once === true) throw new CommandError("etcdserver: requested lease not found");
        process.stdout.write(`lease ${leaseText(id)} expired or revoked.\n`);
      });
    });
}

function timeToLiveCommand(): Command {
  interface Flags extends OutputFlags {
    readonly keys?: boolean;
  }
  return clusterCommand("timetolive")
    .description("how long a lease has")
    .argument("<lease>", "its id in hexadecimal")
    .option("--keys", "and which keys are attached to it")
    .action(async (lease: string, flags: Flags) => {
      const format = parseOutputFormat(flags.writeOut);
      const id = leaseIdOf("lease", lease);
      const keys = flags.keys ?? false;
      const left = await withClient(flags, (client) => client.timeToLive(id, { keys }));
      process.stdout.write(renderTimeToLive(id, left, keys, format));
    });
}

function listCommand(): Command {
  return clusterCommand("list")
    .description("the ids of all leases")
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const ids = await withClient(flags, (client) => client.leases());
      process.stdout.write(renderLeases(ids, format));
    });
}
