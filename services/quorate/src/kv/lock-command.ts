import { exactly, type HeldLock, type QuorateClient } from "@quorate/client";
import type { Command } from "commander";
import { CommandError, messageOf } from "../command-error";
import { clusterCommand, ttlSecondsOf, type OutputFlags } from "./cluster-command";
import { withClient } from "./connection";
import { runHeld } from "./held-process";
import { anyAborted, interruptible } from "./interruption";
import { renderRange } from "./kv-output";
import { parseOutputFormat, type OutputFormat } from "./output-format";

interface LockFlags extends OutputFlags {
  readonly ttl: string;
}

/** `quorate lock`, as etcdctl's: the two agree on who holds a lock. */
export function lockCommand(): Command {
  return clusterCommand("lock")
    .description("wait for a lock, then run a command under it, or hold it until Ctrl-C")
    .argument("<name>")
    .argument("[command...]", "after --; its exit code is passed on")
    .option("--ttl <seconds>", "how long the lock outlives this process, should it die", "10")
    .action(async (name: string, words: readonly string[], flags: LockFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const ttlSeconds = ttlSecondsOf("--ttl", flags.ttl);
      process.exitCode = await withClient(flags, (client) =>
        interruptible(async (signal) => {
          await using lock = await client.mutex(name, { ttlSeconds }).lock({ signal });
          const [program, ...args] = words;
          if (program === undefined) await hold(client, lock, format, signal);
          const exitCode = program === undefined ? 0 : await runUnder(lock, [program, ...args]);
          if (lock.lost.aborted) throw new CommandError(messageOf(lock.lost.reason));
          return exitCode;
        }),
      );
    });
}

async function hold(
  client: QuorateClient,
  lock: HeldLock,
  format: OutputFormat,
  signal: AbortSignal,
): Promise<void> {
  process.stdout.write(renderRange(await client.range(exactly(lock.key), { signal }), format));
  await anyAborted(signal, lock.lost);
}

/** The names of the variables are etcdctl's; a guard on the key needs the fencing token, which it does not tell. */
function runUnder(lock: HeldLock, command: readonly [string, ...string[]]): Promise<number> {
  const environment = {
    ETCD_LOCK_KEY: lock.keyText,
    ETCD_LOCK_REV: `${lock.revision}`,
    QUORATE_FENCING_TOKEN: `${lock.fencingToken}`,
  };
  return runHeld(command, environment, lock.lost);
}
