import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";

import { LoadedCluster } from "../e2e/loaded-cluster";
import { leaderOf } from "../harness/member-states";
import { forgetPeakMemory, peakMemoryMib } from "../harness/process-memory";

const usage = `Brings back a member by a snapshot of a large state while writes go on, and shows what that costs.

  --mebibytes N   of values (1024); the state is twice that, as a value stands in the current state and in its event
  --value-kib N   size of a value (128)`;

const KIB = 1024;
const WRITERS = 4;
/** More than twice what it took on a machine with two busy cores. */
const RECOVERY_MS = 30 * 60_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mebibytes: { type: "string", default: "1024" },
      "value-kib": { type: "string", default: "128" },
    },
  });
  const [mebibytes, valueKib] = [Number(values.mebibytes), Number(values["value-kib"])];
  if (!(mebibytes >= 1) || !(valueKib >= 1)) throw new TypeError("the sizes are numbers from 1 on");
  await using scene = await LoadedCluster.start(
    { members: 3, eventSubjects: "off", flags: ["--log-keep-entries", "20"] },
    RECOVERY_MS,
  );
  const { cluster } = scene;
  const away = await scene.someFollower();
  await cluster.tell("kill", away);
  await scene.fill("large/", Math.round((mebibytes * KIB) / valueKib), valueKib * KIB);
  await pause(5000); // until memtables are written out: that is not what is measured

  const sender = await leaderOf(cluster, RECOVERY_MS);
  const filling = peakOf(sender);
  forgetPeakMemory(cluster.process(sender).pid!);
  const load = scene.load("meanwhile/", WRITERS);
  const from = performance.now();
  await cluster.tell("start", away);
  await scene.untilSnapshot(away);
  const seconds = (performance.now() - from) / 1000;
  await load.untilAcknowledged(50, RECOVERY_MS);
  await load.stop();
  const { dbSizeInUse } = await scene.client.status();
  const violations = await load.violations();
  console.log(
    `state of ${Math.round(Number(dbSizeInUse) / KIB / KIB)} MiB in ${seconds.toFixed(0)} s; ` +
      `resident MiB at most: receiver ${peakOf(away)}, sender ${peakOf(sender)} (${filling} while it was filled); ` +
      `writes meanwhile: ${load.acknowledged.length} acknowledged, ${load.failed.length} failed, ` +
      `longest gap ${load.longestGapMs().toFixed(0)} ms; violations: ${violations.length}`,
  );
  if (violations.length > 0) throw new Error(violations.slice(0, 10).join("\n"));

  function peakOf(name: string): number {
    return Math.round(peakMemoryMib(cluster.process(name).pid!));
  }
}

main().catch((error: unknown) => {
  if (error instanceof TypeError) console.error(`${error.message}\n\n${usage}`);
  else console.error(error);
  process.exitCode = 1;
});
