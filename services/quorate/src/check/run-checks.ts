import { checkAddresses } from "./addresses";
import { checkBrokers, checkPeers } from "./brokers";
import { checkCertificate } from "./certificates";
import type { CheckPlan } from "./check-plan";
import { checkClocks } from "./clocks";
import { checkClusterShape } from "./cluster-shape";
import { checkDataDirectory } from "./data-directory";
import type { Finding } from "./finding";
import { checkOpenFiles } from "./open-files";
import { checkBrokerProgram, checkNode, checkProcessor } from "./programs";
import { runningMembers } from "./running-cluster";
import { checkSyncLatency } from "./sync-latency";

export interface CheckOptions {
  /** How long syncs are measured, in milliseconds; 0: not at all. */
  readonly syncMs: number;
}

/** Looks at everything that a process will need, and changes nothing. */
export async function runChecks(plan: CheckPlan, { syncMs }: CheckOptions): Promise<Finding[]> {
  const { data, startsBroker } = plan;
  const directory = data === undefined ? [] : checkDataDirectory(data);
  const isUsable = directory.every(({ state }) => state !== "error");
  const members = await runningMembers(plan);
  return [
    checkNode(),
    ...(data === undefined ? [] : [checkProcessor()]),
    ...(startsBroker ? [checkBrokerProgram()] : []),
    checkOpenFiles(),
    ...directory,
    ...(data === undefined || !isUsable || syncMs === 0 ? [] : [checkSyncLatency(data.dir, syncMs)]),
    ...(await checkAddresses(plan.listens, data?.dir)),
    ...plan.certificates.flatMap((certificate) => checkCertificate(certificate, Date.now())),
    ...(await checkBrokers(plan.brokers)),
    ...(await checkPeers(plan.peers)),
    ...(await checkClusterShape(plan)),
    ...(await checkClocks(members.flatMap(({ clientUrls }) => clientUrls))),
  ];
}
