import type { Member } from "@quorate/client";
import { brokerCountAdvice, voterCountAdvice, type Advice } from "@quorate/config";
import { independentBrokers } from "@quorate/transport-nats";
import type { Reached } from "./connection";

const BROKER_ANSWER_MS = 1000;

/** What its operator should know about the shape of a cluster that runs. A development cluster has one broker, and is meant to. */
export async function clusterAdvice(
  members: readonly Pick<Member, "isLearner">[],
  { servers, isDevelopment }: Reached,
): Promise<Advice[]> {
  const voters = members.filter(({ isLearner }) => !isLearner).length;
  const brokers = isDevelopment ? undefined : await independentBrokers(servers, BROKER_ANSWER_MS);
  return [
    voterCountAdvice(voters),
    brokers === undefined ? undefined : brokerCountAdvice(voters, brokers),
  ].filter((advice) => advice !== undefined);
}
