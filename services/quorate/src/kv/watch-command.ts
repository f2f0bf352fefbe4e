import { WatchCompactedError, type WatchEvent } from "@quorate/client";
import { Command } from "commander";
import { CommandError, usageError } from "../command-error";
import type { OutputFlags } from "./cluster-command";
import { withClient } from "./connection";
import { keyValueFields } from "./kv-fields";
import { keyValueJson } from "./kv-json";
import {
  fieldLines,
  jsonLine,
  parseOutputFormat,
  table,
  type JsonObject,
  type OutputFormat,
} from "./output-format";
import { keyRange, type KeyFlags } from "./range-flags";

interface WatchFlags extends OutputFlags, KeyFlags {
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
      const format = parseOutputFormat(flags.writeOut);
      const range = keyRange(key, end === undefined ? flags : { ...flags, rangeEnd: end });
      const fromRevision = revisionOf(flags.rev);
      await withClient(flags, async (client) => {
        try {
          for await (const event of client.watch(range, { fromRevision, previous: flags.prevKv ?? false })) {
            process.stdout.write(renderEvent(event, format));
          }
        } catch (error) {
          if (error instanceof WatchCompactedError)
            throw new CommandError(error.message, 1, { cause: error });
          throw error;
        }
      });
    });
}

/**
 * As etcdctl prints it: the type, then lines of keys and values, what was before first. In JSON and fields each event is a
 * response of its own, whose header holds its revision.
 */
export function renderEvent(event: WatchEvent, format: OutputFormat): Uint8Array {
  const { type, revision, keyValue, previous } = event;
  switch (format) {
    case "simple": {
      const before = previous === undefined ? "" : `${previous.keyText}\n${previous.text}\n`;
      return Buffer.from(`${type.toUpperCase()}\n${before}${keyValue.keyText}\n${keyValue.text}\n`);
    }
    case "json":
      return jsonLine({
        Header: { revision },
        Events: [eventJson(event)],
        CompactRevision: 0,
        Canceled: false,
        Created: false,
      });
    case "fields": {
      const before = previous === undefined ? [] : keyValueFields(previous, "Prev");
      const head = fieldLines([["Revision", revision]]);
      // Not quoted, as etcdctl has it.
      const typeLine = Buffer.from(`"Type" : ${type.toUpperCase()}\n`);
      return Buffer.concat([head, typeLine, fieldLines([...before, ...keyValueFields(keyValue)])]);
    }
    case "table":
      return table(
        ["TYPE", "KEY", "VALUE", "REVISION"],
        [[type.toUpperCase(), keyValue.keyText, keyValue.text, String(revision)]],
      );
  }
}

function eventJson({ type, keyValue, previous }: WatchEvent): JsonObject {
  return {
    type: type === "delete" ? 1 : undefined,
    kv: keyValueJson(keyValue),
    prev_kv: previous === undefined ? undefined : keyValueJson(previous),
  };
}

function revisionOf(text: string | undefined): number {
  const revision = text === undefined ? 0 : Number(text);
  if (!Number.isSafeInteger(revision) || revision < 0) throw usageError(`--rev "${text}" is no revision.`);
  return revision;
}
