import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { etcdserverpb } from "@quorate/wire";

import { EtcdClient } from "../harness/etcd-client";
import { forgetPeakMemory, peakMemoryMib } from "../harness/process-memory";
import { QuorateCluster } from "../harness/quorate-cluster";

const usage = `Reads a large range by RangeStream and by one Range, and shows what that costs.

  --mebibytes N   size of the range (1024)
  --value-kib N   size of a value (64)`;

const PREFIX = "large/";
const END = "large0";
const KIB = 1024;
const MIB = 1024 * KIB;
const WRITERS = 16;
const PROBE_EVERY_MS = 20;

/** What a large read was like, for itself and for others. */
interface Figures {
  readonly what: string;
  readonly seconds: number;
  readonly mebibytes: number;
  /** The most that each process held, in MiB, since it was last reset. */
  readonly peakMib: Readonly<Record<string, number>>;
  /** Of puts that were made meanwhile. */
  readonly putP50Ms: number;
  readonly putMaxMs: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mebibytes: { type: "string", default: "1024" },
      "value-kib": { type: "string", default: "64" },
    },
  });
  const [mebibytes, valueKib] = [Number(values.mebibytes), Number(values["value-kib"])];
  if (!(mebibytes >= 1) || !(valueKib >= 1)) throw new TypeError("the sizes are numbers from 1 on");
  // Half as much again: the answer has keys and revisions beside its values.
  const largeAnswerBytesMax = String(Math.ceil(mebibytes * 1.5) * MIB);
  await using cluster = await QuorateCluster.start({
    members: 3,
    eventSubjects: "off",
    environment: { QUORATE_LARGE_ANSWER_BYTES_MAX: largeAnswerBytesMax },
  });
  await fill(cluster, (mebibytes * KIB) / valueKib, valueKib * KIB);
  await pause(3000); // until memtables are written out: that is not what is measured
  const figures = [
    await measure(cluster, "nothing", () => pause(3000).then(() => 0)),
    await measure(cluster, "RangeStream", () => stream(cluster.address())),
    await measure(cluster, "Range", () => whole(cluster.address())),
  ];
  for (const { what, seconds, mebibytes: read, peakMib, putP50Ms, putMaxMs } of figures) {
    const peaks = Object.entries(peakMib).map(([name, mib]) => `${name} ${mib.toFixed(0)}`);
    console.log(
      `${what}: ${read.toFixed(0)} MiB in ${seconds.toFixed(1)} s; peak MiB: ${peaks.join(", ")}; ` +
        `puts meanwhile p50 ${putP50Ms.toFixed(1)} ms, max ${putMaxMs.toFixed(0)} ms`,
    );
  }
}

async function fill(cluster: QuorateCluster, keys: number, valueBytes: number): Promise<void> {
  const client = new EtcdClient({ address: cluster.address(), deadlineMs: 60_000 });
  const value = Buffer.alloc(valueBytes, "v");
  let next = 0;
  const write = async (): Promise<void> => {
    for (let at = next++; at < keys; at = next++) {
      await client.put({ key: Buffer.from(`${PREFIX}${String(at).padStart(9, "0")}`), value });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  client.close();
}

/** @param read Reads, and returns how many bytes that brought. */
async function measure(cluster: QuorateCluster, what: string, read: () => Promise<number>): Promise<Figures> {
  const measured = cluster.processes.filter(({ service }) => service !== "watch-fanout");
  for (const { pid } of measured) forgetPeakMemory(pid!);
  const client = new EtcdClient({ address: cluster.address() });
  const latencies: number[] = [];
  let over = false;
  const probing = (async () => {
    while (!over) {
      const from = performance.now();
      await client.put({ key: Buffer.from("probe"), value: Buffer.from("x") });
      latencies.push(performance.now() - from);
      await pause(PROBE_EVERY_MS);
    }
  })();
  const from = performance.now();
  const bytes = await read();
  const seconds = (performance.now() - from) / 1000;
  over = true;
  await probing;
  client.close();
  latencies.sort((a, b) => a - b);
  return {
    what,
    seconds,
    mebibytes: bytes / MIB,
    peakMib: Object.fromEntries(measured.map(({ name, pid }) => [name, peakMemoryMib(pid!)])),
    putP50Ms: latencies[Math.floor(latencies.length / 2)] ?? Number.NaN,
    putMaxMs: latencies.at(-1) ?? Number.NaN,
  };
}

const request = Buffer.from(
  etcdserverpb.RangeRequest.encode({ key: Buffer.from(PREFIX), rangeEnd: Buffer.from(END) }).finish(),
);
const asIs = (bytes: Buffer): Buffer => bytes;

function rawClient(address: string): Client {
  return new Client(address, credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });
}

async function stream(address: string): Promise<number> {
  const client = rawClient(address);
  let bytes = 0;
  const call = client.makeServerStreamRequest("/etcdserverpb.KV/RangeStream", asIs, asIs, request);
  for await (const chunk of call) bytes += (chunk as Buffer).length;
  client.close();
  return bytes;
}

async function whole(address: string): Promise<number> {
  const client = rawClient(address);
  const answer = await new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest("/etcdserverpb.KV/Range", asIs, asIs, request, new Metadata(), (error, bytes) =>
      error ? reject(error) : resolve(bytes!),
    );
  });
  client.close();
  return answer.length;
}

main().catch((error: unknown) => {
  if (error instanceof TypeError) console.error(`${error.message}\n\n${usage}`);
  else console.error(error);
  process.exitCode = 1;
});
