import { hexId } from "@quorate/base";
import type { Alarm } from "@quorate/client";
import { Command } from "commander";
import { clusterCommand, type OutputFlags } from "./cluster-command";
import { withClient } from "./connection";
import { fieldLines, jsonLine, parseOutputFormat, table, type OutputFormat } from "./output-format";

/** `quorate alarm list` and `quorate alarm disarm`. */
export function alarmCommand(): Command {
  const list = clusterCommand("list")
    .description("show the active alarms")
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const alarms = await withClient(flags, (client) => client.alarms());
      process.stdout.write(renderAlarms(alarms, format));
    });
  const disarm = clusterCommand("disarm")
    .description("deactivate all alarms, and show which there were")
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const alarms = await withClient(flags, async (client) => {
        const active = await client.alarms();
        for (const alarm of active) await client.disarm(alarm);
        return active;
      });
      process.stdout.write(renderAlarms(alarms, format));
    });
  return new Command("alarm")
    .description("what is wrong with the cluster")
    .addCommand(list)
    .addCommand(disarm);
}

/** One line per alarm, as etcdctl prints them; nothing if there is none. */
function renderAlarms(alarms: readonly Alarm[], format: OutputFormat): Uint8Array {
  switch (format) {
    case "json":
      return jsonLine({ alarms: alarms.map(({ type, memberId }) => ({ memberID: memberId, alarm: type })) });
    case "fields":
      return fieldLines(
        alarms.flatMap(({ type, memberId }): [string, string | bigint][] => [
          ["MemberID", memberId],
          ["AlarmType", type],
        ]),
      );
    case "table":
      return table(
        ["MEMBER", "ALARM"],
        alarms.map(({ type, memberId }) => [hexId(memberId), type]),
      );
    case "simple":
      return Buffer.from(
        alarms.map(({ type, memberId }) => `memberID:${memberId} alarm:${type}\n`).join(""),
        "utf8",
      );
  }
}
