import { Command } from "commander";

/** Runs this process as a member: what `quorate member` does when no other word follows. Options are parsed by itself. */
export function memberRunCommand(): Command {
  return new Command("run")
    .description(
      "run a member: raft-node, gateway, watch-fanout and broker in one (quorate member run --help)",
    )
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument("[flags...]")
    .action(async (argv: readonly string[]) => {
      // Not loaded before it is needed: the other commands have no use for a database.
      const { runMember } = await import("./run-member.js");
      await runMember(argv, process.env);
    });
}
