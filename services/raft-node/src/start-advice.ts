import {
  brokerCountAdvice,
  fileSystemAdvice,
  fileSystemOf,
  freeSpaceAdvice,
  voterCountAdvice,
  type Advice,
} from "@quorate/config";
import { independentBrokers } from "@quorate/transport-nats";
import type { NodeStatus } from "@quorate/wire";
import type { NodeOptions } from "./options";

const BROKER_ANSWER_MS = 2000;

/** What the operator of a member that has just started should know. Never throws: nothing of it keeps a member from serving. */
export async function startAdvice(
  options: Pick<NodeOptions, "dataDir" | "natsUrl" | "quotaBytes">,
  status: Pick<NodeStatus, "members" | "dbSizeBytes">,
): Promise<Advice[]> {
  const voters = status.members.filter(({ learner }) => !learner).length;
  const brokers = await independentBrokers(options.natsUrl, BROKER_ANSWER_MS);
  const found = [
    voterCountAdvice(voters),
    brokers === undefined ? undefined : brokerCountAdvice(voters, brokers),
    ...diskAdvice(options, status.dbSizeBytes),
  ];
  return found.filter((advice) => advice !== undefined);
}

function diskAdvice(
  { dataDir, quotaBytes }: Pick<NodeOptions, "dataDir" | "quotaBytes">,
  usedBytes: number,
): readonly (Advice | undefined)[] {
  try {
    const fileSystem = fileSystemOf(dataDir);
    const kind = fileSystemAdvice(fileSystem.kind);
    return [
      kind && { ...kind, text: `the data directory (${dataDir}, ${fileSystem.kind}) ${kind.text}` },
      freeSpaceAdvice(fileSystem, quotaBytes, usedBytes),
    ];
  } catch {
    return []; // a platform that does not tell
  }
}
