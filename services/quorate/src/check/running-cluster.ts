import { QuorateClient, type Member } from "@quorate/client";
import { askBroker } from "@quorate/transport-nats";
import type { CheckPlan } from "./check-plan";

const ANSWER_MS = 2000;

/** The members of the cluster that a process will belong to; none if it does not run, or cannot be asked from here. */
export async function runningMembers({ cluster }: Pick<CheckPlan, "cluster">): Promise<readonly Member[]> {
  const answers = await Promise.all(
    cluster.natsUrl.map((url) =>
      askBroker(url, ANSWER_MS).then(
        () => url,
        () => undefined,
      ),
    ),
  );
  const servers = answers.filter((url) => url !== undefined);
  if (servers.length === 0) return [];
  try {
    await using client = await QuorateClient.connect({
      servers,
      cluster: cluster.name,
      name: "quorate check",
      timeoutMs: ANSWER_MS,
    });
    return await client.members();
  } catch {
    return [];
  }
}
