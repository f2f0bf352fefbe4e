import { createServer } from "node:net";
import { parseListenUrl } from "@quorate/config";
import type { PlannedAddress } from "./check-plan";
import { failure, ok, warning, type Finding } from "./finding";
import { listenerOf } from "./listener";

/** Whether each address can be listened on, or is this member's already because it runs. @param own What its command line has in it. */
export async function checkAddresses(
  planned: readonly PlannedAddress[],
  own: string | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { flag, url } of planned) {
    const problem = await listenProblem(url);
    if (problem === undefined) findings.push(ok(flag, `${url} is free`));
    else if (problem === "EADDRINUSE") findings.push(taken(flag, url, own));
    else if (problem === "EADDRNOTAVAIL" || problem === "ENOTFOUND")
      findings.push(
        failure(flag, {
          text: `${url} is no address of this machine (${problem})`,
          remedy: "Listen on one of its own, or on 0.0.0.0, and advertise what others reach it by.",
        }),
      );
    else
      findings.push(
        failure(flag, { text: `${url} cannot be listened on (${problem})`, remedy: "Use another port." }),
      );
  }
  return findings;
}

function taken(flag: string, url: string, own: string | undefined): Finding {
  const listener = listenerOf(parseListenUrl(url).port);
  const who = listener === undefined ? "another process" : `process ${listener.pid} (${listener.command})`;
  if (listener !== undefined && own !== undefined && listener.command.includes(own))
    return warning(flag, {
      text: `${url} is taken by ${who}: this member runs already`,
      remedy: "Nothing, if that is what you expect.",
    });
  return failure(flag, { text: `${url} is taken by ${who}`, remedy: "End that one, or use another port." });
}

/** @returns The code of the error; `undefined` if there is none. */
function listenProblem(url: string): Promise<string | undefined> {
  const { host, port } = parseListenUrl(url);
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
