import { Command } from "commander";
import { withClient, type ConnectionFlags } from "./connection";
import { parseOutputFormat, renderAlarms } from "./output";

interface AlarmFlags extends ConnectionFlags {
  readonly writeOut?: string;
}

/** `quorate alarm list` and `quorate alarm disarm`. @param of Makes a command with the flags of all of them. */
export function alarmCommand(of: (name: string) => Command): Command {
  const list = of("list")
    .description("show the active alarms")
    .action(async (flags: AlarmFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const alarms = await withClient(flags, (client) => client.alarms());
      process.stdout.write(renderAlarms(alarms, format));
    });
  const disarm = of("disarm")
    .description("deactivate all alarms, and show which there were")
    .action(async (flags: AlarmFlags) => {
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
