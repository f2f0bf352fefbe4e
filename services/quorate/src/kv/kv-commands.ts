import { text as readText } from "node:stream/consumers";
import type { Command } from "commander";
import { usageError } from "../command-error";
import { alarmCommand } from "./alarm-command";
import { clusterAdvice } from "./cluster-advice";
import { clusterCommand, leaseIdOf, type OutputFlags } from "./cluster-command";
import { withClient } from "./connection";
import { electCommand } from "./elect-command";
import { renderDelete, renderPut, renderRange, renderTransaction } from "./kv-output";
import { leaseCommand } from "./lease-commands";
import { lockCommand } from "./lock-command";
import { memberCommand, memberListCommand, moveLeaderCommand } from "./member-commands";
import { renderStatus } from "./member-output";
import { parseOutputFormat } from "./output-format";
import { keyRange, rangeOptions, wholeNumber, type GetFlags, type KeyFlags } from "./range-flags";
import { parseTransaction } from "./txn-text";
import { watchCommand } from "./watch-command";

/** The commands that talk to a cluster over its broker, named and shaped like etcdctl's. */
export function kvCommands(): Command[] {
  const watch = keyOptions(clusterCommand("watch").argument("<key>").argument("[range-end]"));
  return [
    putCommand(),
    getCommand(),
    delCommand(),
    txnCommand(),
    watchCommand(watch),
    leaseCommand(),
    lockCommand(),
    electCommand(),
    compactCommand(),
    statusCommand(),
    memberListCommand("members"),
    memberCommand(),
    moveLeaderCommand(),
    alarmCommand(),
  ];
}

function putCommand(): Command {
  interface Flags extends OutputFlags {
    readonly lease?: string;
    readonly prevKv?: boolean;
  }
  return clusterCommand("put")
    .description("write a key; without a value, what stdin holds")
    .argument("<key>")
    .argument("[value]")
    .option("--lease <hex>", "attach the key to this lease")
    .option("--prev-kv", "print what it replaced")
    .action(async (key: string, value: string | undefined, flags: Flags) => {
      const format = parseOutputFormat(flags.writeOut);
      const lease = flags.lease === undefined ? 0n : leaseIdOf("--lease", flags.lease);
      const content = value ?? (await readText(process.stdin));
      const result = await withClient(flags, (client) =>
        client.put(key, content, { lease, previous: flags.prevKv ?? false }),
      );
      process.stdout.write(renderPut(result, format));
    });
}

function getCommand(): Command {
  return keyOptions(
    clusterCommand("get")
      .description("read a key or a range of keys")
      .argument("<key>")
      .argument("[range-end]"),
  )
    .option("--rev <revision>", "as of this revision")
    .option("--limit <count>", "key-values at most")
    .option("--keys-only", "leave out the values")
    .option("--count-only", "print only how many there are")
    .option("--sort-by <target>", "CREATE, KEY, MODIFY, VALUE or VERSION")
    .option("--order <order>", "ASCEND or DESCEND")
    .option("--consistency <mode>", "l: linearizable; s: serializable, faster and possibly stale", "l")
    .action(async (key: string, end: string | undefined, flags: GetFlags & OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const range = keyRange(key, withEnd(flags, end));
      const options = rangeOptions(flags);
      const result = await withClient(flags, (client) => client.range(range, options));
      process.stdout.write(renderRange(result, format, options.countOnly === true));
    });
}

function delCommand(): Command {
  return keyOptions(
    clusterCommand("del")
      .description("delete a key or a range of keys")
      .argument("<key>")
      .argument("[range-end]"),
  )
    .option("--prev-kv", "print what was deleted")
    .action(
      async (key: string, end: string | undefined, flags: KeyFlags & OutputFlags & { prevKv?: boolean }) => {
        const format = parseOutputFormat(flags.writeOut);
        const range = keyRange(key, withEnd(flags, end));
        const result = await withClient(flags, (client) =>
          client.deleteRange(range, { previous: flags.prevKv ?? false }),
        );
        process.stdout.write(renderDelete(result, format));
      },
    );
}

function txnCommand(): Command {
  return clusterCommand("txn")
    .description(
      "run a transaction that stdin holds: conditions, then-operations, else-operations, empty lines between",
    )
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const plan = parseTransaction(await readText(process.stdin));
      const result = await withClient(flags, (client) =>
        client
          .txn()
          .if(...plan.conditions)
          .then(...plan.then)
          .else(...plan.otherwise)
          .commit(),
      );
      process.stdout.write(renderTransaction(result, format));
    });
}

function compactCommand(): Command {
  return clusterCommand("compact")
    .alias("compaction")
    .description("forget what was superseded before a revision")
    .argument("<revision>")
    .option("--physical", "wait until the member that answers has also freed the space")
    .action(async (text: string, flags: OutputFlags & { readonly physical?: boolean }) => {
      const revision = wholeNumber("revision", text);
      await withClient(flags, (client) => client.compact(revision, { physical: flags.physical ?? false }));
      process.stdout.write(`compacted revision ${revision}\n`);
    });
}

function statusCommand(): Command {
  return clusterCommand("status")
    .description("how a member sees itself and its cluster")
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const { status, advice } = await withClient(flags, async (client, reached) => ({
        status: await client.status(),
        advice: await clusterAdvice(await client.members(), reached),
      }));
      process.stdout.write(renderStatus(status, format));
      // Not among what scripts read.
      for (const { text, remedy } of advice) process.stderr.write(`warning: ${text}. ${remedy}\n`);
    });
}

function keyOptions(of: Command): Command {
  return of
    .option("--prefix", "all keys that begin with <key>")
    .option("--from-key", "<key> and all keys after it")
    .option("--range-end <key>", "up to, but without, this key");
}

function withEnd<T extends KeyFlags>(flags: T, end: string | undefined): T {
  if (end === undefined) return flags;
  if (flags.rangeEnd !== undefined) throw usageError("The end of the range is given twice.");
  return { ...flags, rangeEnd: end };
}
