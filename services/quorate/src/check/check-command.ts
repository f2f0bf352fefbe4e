import { ConfigurationError, InformationRequest } from "@quorate/config";
import { parseGatewayOptions } from "@quorate/kv-gateway";
import { parseNodeOptions } from "@quorate/raft-node";
import { parseFanoutOptions } from "@quorate/watch-fanout";
import { Command } from "commander";
import { usageError } from "../command-error";
import { parseMemberOptions } from "../member/member-options";
import { exitCodeOf, renderFindings } from "./check-output";
import { planOfFanout, planOfGateway, planOfMember, planOfNode, type CheckPlan } from "./check-plan";
import { ok, warning, type Finding } from "./finding";
import { runChecks } from "./run-checks";

const SYNC_MS = 1000;

interface Planned {
  readonly plan: CheckPlan;
  readonly findings: readonly Finding[];
}

/** How each process is described: by the flags, variables and files that it would be started with. */
const PLANS: Readonly<Record<CheckPlan["service"], (argv: readonly string[]) => Planned>> = {
  member: (argv) => {
    const { options, warnings } = parseMemberOptions(argv, process.env);
    const findings = warnings.map((text) =>
      warning("options", { text, remedy: "Leave it out, unless the same command line starts etcd as well." }),
    );
    return { plan: planOfMember(options), findings: [ok("options", "understood"), ...findings] };
  },
  "raft-node": (argv) => understood(planOfNode(parseNodeOptions(argv, process.env))),
  "kv-gateway": (argv) => understood(planOfGateway(parseGatewayOptions(argv, process.env))),
  "watch-fanout": (argv) => understood(planOfFanout(parseFanoutOptions(argv, process.env))),
};

/** `quorate check`. Options of its own stand first; all that follows belongs to the process. */
export function checkProgram(): Command {
  return new Command("check")
    .description(
      "look at everything that a process would need, before it is started: [member|raft-node|kv-gateway|watch-fanout] and its flags",
    )
    .option("-o, --output <format>", "table or json", "table")
    .option(
      "--sync-ms <milliseconds>",
      "how long to measure the disk's syncs; 0: not at all",
      String(SYNC_MS),
    )
    .allowUnknownOption()
    .passThroughOptions()
    .argument("[process and its flags...]")
    .action(async (words: readonly string[], flags: { readonly output: string; readonly syncMs: string }) => {
      const format = formatOf(flags.output);
      const syncMs = syncMsOf(flags.syncMs);
      const [first = ""] = words;
      const isNamed = Object.keys(PLANS).includes(first);
      const service = isNamed ? (first as CheckPlan["service"]) : "member";
      const { plan, findings } = planned(service, isNamed ? words.slice(1) : words);
      const all = [...findings, ...(await runChecks(plan, { syncMs }))];
      process.stdout.write(renderFindings(all, format));
      process.exitCode = exitCodeOf(all);
    });
}

/** @throws {CommandError} with exit code 2, as the process itself would end. */
function planned(service: CheckPlan["service"], argv: readonly string[]): Planned {
  try {
    return PLANS[service](argv);
  } catch (error) {
    if (error instanceof ConfigurationError) throw usageError(error.message);
    if (error instanceof InformationRequest)
      throw usageError(`quorate check ${service} takes the flags below.\n${error.text}`);
    throw error;
  }
}

function understood(plan: CheckPlan): Planned {
  return { plan, findings: [ok("options", "understood")] };
}

function formatOf(text: string): "table" | "json" {
  if (text === "table" || text === "json") return text;
  throw usageError(`-o "${text}" is neither table nor json.`);
}

function syncMsOf(text: string): number {
  const given = Number(text);
  if (Number.isInteger(given) && given >= 0 && given <= 60_000) return given;
  throw usageError(`--sync-ms "${text}" is no number of milliseconds up to 60000.`);
}
