import { text as readText } from "node:stream/consumers";
import { parseHexId } from "@quorate/base";
import { Command } from "commander";
import { usageError } from "../command-error";
import { alarmCommand } from "./alarm-command";
import { withClient, type ConnectionFlags } from "./connection";
import {
  parseOutputFormat,
  renderDelete,
  renderMembers,
  renderPut,
  renderRange,
  renderStatus,
  renderTransaction,
} from "./output";
import { keyRange, rangeOptions, type GetFlags, type KeyFlags } from "./range-flags";
import { parseTransaction } from "./txn-text";
import { watchCommand } from "./watch-command";

interface OutputFlags extends ConnectionFlags {
  readonly writeOut?: string;
}

/** The commands that talk to a cluster over its broker, named and shaped like etcdctl's. */
export function kvCommands(): Command[] {
  const watch = keyOptions(command("watch").argument("<key>").argument("[range-end]"));
  return [
    putCommand(),
    getCommand(),
    delCommand(),
    txnCommand(),
    watchCommand(watch),
    statusCommand(),
    membersCommand(),
    alarmCommand(command),
  ];
}

function putCommand(): Command {
  interface Flags extends OutputFlags {
    readonly lease?: string;
    readonly prevKv?: boolean;
  }
  return command("put")
    .description("write a key; without a value, what stdin holds")
    .argument("<key>")
    .argument("[value]")
    .option("--lease <hex>", "attach the key to this lease")
    .option("--prev-kv", "print what it replaced")
    .action(async (key: string, value: string | undefined, flags: Flags) => {
      const format = parseOutputFormat(flags.writeOut);
      const lease = leaseOf(flags.lease);
      const content = value ?? (await readText(process.stdin));
      const result = await withClient(flags, (client) =>
        client.put(key, content, { lease, previous: flags.prevKv ?? false }),
      );
      process.stdout.write(renderPut(result, format));
    });
}

function getCommand(): Command {
  return keyOptions(
    command("get").description("read a key or a range of keys").argument("<key>").argument("[range-end]"),
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
    command("del").description("delete a key or a range of keys").argument("<key>").argument("[range-end]"),
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
  return command("txn")
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

function statusCommand(): Command {
  return command("status")
    .description("how a member sees itself and its cluster")
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const status = await withClient(flags, (client) => client.status());
      process.stdout.write(renderStatus(status, format));
    });
}

function membersCommand(): Command {
  return command("members")
    .description("list the members")
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const members = await withClient(flags, (client) => client.members());
      process.stdout.write(renderMembers(members, format));
    });
}

function command(name: string): Command {
  return new Command(name)
    .option("--nats-url <url>", "the broker of the cluster")
    .option("--cluster <name>", "the cluster's name")
    .option("--data-dir <dir>", "the development cluster to use, in place of --nats-url and --cluster")
    .option("--timeout <seconds>", "how long to wait for an answer")
    .option("-w, --write-out <format>", "simple, json or table");
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

function leaseOf(text: string | undefined): bigint {
  try {
    return text === undefined ? 0n : parseHexId(text);
  } catch {
    throw usageError(`--lease "${text ?? ""}" is not a lease id in hexadecimal.`);
  }
}
