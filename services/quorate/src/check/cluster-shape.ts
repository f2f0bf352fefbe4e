import { brokerCountAdvice, voterCountAdvice } from "@quorate/config";
import { independentBrokers } from "@quorate/transport-nats";
import type { CheckPlan } from "./check-plan";
import { ok, warning, type Finding } from "./finding";

const ANSWER_MS = 2000;

/** Whether as many may be lost as one would think. */
export async function checkClusterShape(
  plan: Pick<CheckPlan, "voters" | "brokers" | "startsBroker">,
): Promise<Finding[]> {
  const { voters, brokers, startsBroker } = plan;
  if (voters === undefined) return [];
  const members = voterCountAdvice(voters);
  const independent = startsBroker ? voters : await independentBrokers(brokers, ANSWER_MS);
  const single = independent === undefined ? undefined : brokerCountAdvice(voters, independent);
  return [
    members === undefined ? ok("members", `${voters} voters`) : warning("members", members),
    ...(single === undefined ? [] : [warning("brokers", single)]),
  ];
}
