import { once } from "node:events";

import { seededPrng } from "@quorate/base";

import { historyLines } from "../checkers/history-file";
import { HistoryRecorder } from "../checkers/history-recorder";
import { EMPTY_RUN } from "../checkers/recorded-run";
import { NatsStoreDoor, GrpcStoreDoor } from "../workloads/store-door";
import { RecordedLoad } from "../workloads/recorded-load";
import { FailoverDoor } from "./failover-door";
import type { InsideSettings } from "./inside-settings";
import { machineMs } from "./machine-clock";

/**
 * Clients inside the private network: a program that runs in a container of its own until SIGTERM, and then prints what it has
 * recorded, by a clock that all processes of this machine share.
 */
async function main(settings: InsideSettings): Promise<void> {
  const { gateways, brokerUrls, cluster, timeoutMs, seed, ...load } = settings;
  const recorder = new HistoryRecorder(machineMs);
  // Half of the clients begin with the last gateway; whoever gets no answer goes to the next one.
  const failover = (order: readonly string[]): FailoverDoor =>
    new FailoverDoor(order.map((address) => new GrpcStoreDoor({ address, timeoutMs })));
  const doors = [
    failover(gateways),
    failover([...gateways].reverse()),
    await NatsStoreDoor.connect({ url: brokerUrls.join(","), cluster, timeoutMs }),
  ];
  const running = await RecordedLoad.start(load, { recorder, prng: seededPrng(seed), doors });
  console.log("clients run");
  await once(process, "SIGTERM");
  await running.abandon();
  process.stdout.write(historyLines({ ...EMPTY_RUN, title: "inside", operations: recorder.operations }), () =>
    process.exit(0),
  );
}

void main(JSON.parse(process.argv[2] ?? "") as InsideSettings);
