import { QuorateError } from "@quorate/client";
import { Command } from "commander";
import { brokerConfigCommand } from "./broker/broker-config-command";
import { checkProgram } from "./check/check-command";
import { CommandError, messageOf } from "./command-error";
import { devProgram } from "./dev/dev-program";
import { importCommand } from "./import/import-command";
import { kvCommands } from "./kv/kv-commands";

const program = new Command("quorate")
  .description("Runs Quorate for development, and talks to a cluster.")
  .enablePositionalOptions()
  .showHelpAfterError("(--help tells what there is)")
  .addCommand(devProgram())
  .addCommand(brokerConfigCommand())
  .addCommand(checkProgram())
  .addCommand(importCommand());
for (const command of kvCommands()) program.addCommand(command);

program.parseAsync(process.argv).catch((error: unknown) => {
  console.error(describe(error));
  process.exitCode = error instanceof CommandError ? error.exitCode : 1;
});

function describe(error: unknown): string {
  if (error instanceof QuorateError) {
    const hint = error.outcome === "unknown" ? " (it may have happened all the same)" : "";
    return `Error: ${error.code}: ${error.message}${hint}`;
  }
  if (error instanceof CommandError) return `Error: ${error.message}`;
  // Nobody foresaw it: the stack is what helps then.
  return error instanceof Error && error.stack !== undefined ? error.stack : `Error: ${messageOf(error)}`;
}
