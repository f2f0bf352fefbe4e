import { WatchCompactedError, type WatchEvent } from "@quorate/client";
import { Command } from "commander";
import { CommandError, usageError } from "../command-error";
import { withClient, type ConnectionFlags } from "./connection";
import { keyRange, type KeyFlags } from "./range-flags";

interface WatchFlags extends ConnectionFlags, KeyFlags {
  readonly rev?: string;
  readonly prevKv?: boolean;
}

/** Adds `quorate watch` to a command that has the flags of all of them. */
export function watchCommand(command: Command): Command {
  return command
    .description("print changes of a key or a range of keys as they happen, until Ctrl-C")
    .option("--rev <revision>", "begin with this revision")
    .option("--prev-kv", "print what each change replaced")
    .action(async (key: string, end: string | undefined, flags: WatchFlags) => {
      if (end !== undefined && flags.rangeEnd !== undefined)
        throw usageError("The end of the range is given twice.");
      const range = keyRange(key, end === undefined ? flags : { ...flags, rangeEnd: end });
      const fromRevision = revisionOf(flags.rev);
      await withClient(flags, async (client) => {
        try {
          for await (const event of client.watch(range, { fromRevision, previous: flags.prevKv ?? false })) {
            process.stdout.write(renderEvent(event));
          }
        } catch (error) {
          if (error instanceof WatchCompactedError)
            throw new CommandError(error.message, 1, { cause: error });
          throw error;
        }
      });
    });
}

/** As etcdctl prints it: the type, then lines of keys and values, what was before first. */
export function renderEvent({ type, keyValue, previous }: WatchEvent): string {
  const before = previous === undefined ? "" : `${previous.keyText}\n${previous.text}\n`;
  return `${type.toUpperCase()}\n${before}${keyValue.keyText}\n${keyValue.text}\n`;
}

function revisionOf(text: string | undefined): number {
  const revision = text === undefined ? 0 : Number(text);
  if (!Number.isSafeInteger(revision) || revision < 0) throw usageError(`--rev "${text}" is no revision.`);
  return revision;
}
