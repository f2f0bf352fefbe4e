import { optionsOfProcess, type Environment } from "@quorate/config";
import { parseMemberOptions } from "./member-options";
import { MemberProcess } from "./member-process";

/** Ends the process when the member ends, or at once if it cannot start. */
export async function runMember(argv: readonly string[], env: Environment): Promise<void> {
  const { options, warnings } = optionsOfProcess(() => parseMemberOptions(argv, env));
  await new MemberProcess(options).run(warnings);
}
