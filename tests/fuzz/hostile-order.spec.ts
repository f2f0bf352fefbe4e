import { readFileSync } from "node:fs";
import { randomChance, randomInteger, randomPick, seededPrng } from "@quorate/base";
import { encodeWatchOpen, etcdserverpb } from "@quorate/wire";
import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { HttpCaller } from "../harness/http-caller";
import { QuorateCluster, type ClusterProcess } from "../harness/quorate-cluster";
import { bodyOf, UNARY, watchMessages } from "./hostile/hostile-requests";
import { Http2Attacker, type CallEnd } from "./hostile/http2-attacker";
import { innerMessage, NatsAttacker } from "./hostile/nats-attacker";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);
const ATTACK_MS = 15_000;
const MEMORY_GROWTH_MIB = 256;
const BUG = /InvariantError|Invariant broken|TypeError|ReferenceError|uncaught|unhandled/i;

/** Resident memory in MiB. Linux only. */
function memoryMib({ pid }: ClusterProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

describe(`a cluster whose clients are out of their minds (FUZZ_SEED=${seed})`, () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 1 });
    client = new EtcdClient({ address: cluster.address() });
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  it("does not publish for a client what its watch is to be delivered to", async () => {
    await using attacker = await NatsAttacker.connect(cluster.brokerUrl, seededPrng(seed));
    const heard = attacker.listen("planted");
    const delivered = attacker.listen("_INBOX.honest");
    const [key, rangeEnd] = [Buffer.from("a"), Buffer.from("b")];
    const openWith = (stream: number, deliver: string): void => {
      const spec = { range: { key, rangeEnd }, prevKv: false, noPut: false, noDelete: false };
      const create = { kind: "create", watcher: 1, spec, next: 1, seen: 0 };
      const open = { stream: BigInt(stream), deliver, windowBytes: 1 << 20, commands: [create] };
      attacker.ask(
        `quorate.${cluster.name}.watch.create`,
        encodeWatchOpen(open as unknown as Parameters<typeof encodeWatchOpen>[0]),
      );
    };
    await client.put({ key, value: Buffer.from("v") });
    openWith(5, "_INBOX.x 0\r\n\r\nPUB planted 2\r\nhi\r\nPUB _INBOX.y");
    openWith(6, "_INBOX.honest"); // served by the same process, after the other
    await client.put({ key, value: Buffer.from("w") });
    await eventually("what the honest stream delivers", { withinMs: 5_000 }, () => delivered.length > 0);
    await attacker.flush();
    expect(heard).toEqual([]);
  });

  it("serves the others meanwhile, answers with codes that exist, and comes to no harm", async () => {
    const prng = seededPrng(seed);
    const before = cluster.processes.map((process) => ({ process, mib: memoryMib(process) }));
    const member = cluster.process("n1").memberId ?? "";
    const attacker = new Http2Attacker(cluster.address(), prng);
    const http = new HttpCaller(cluster.address());
    await using nats = await NatsAttacker.connect(cluster.brokerUrl, prng);
    const ends: CallEnd[] = [];
    const httpStatuses = new Set<number>();
    const deadline = performance.now() + ATTACK_MS;
    let honestCalls = 0;

    async function attack(): Promise<void> {
      while (performance.now() < deadline) {
        const asked = randomPick(prng, UNARY);
        const body = bodyOf(asked.type, prng);
        switch (randomInteger(prng, 0, 7)) {
          case 0:
          case 1:
            ends.push(await attacker.call(asked.path, randomChance(prng, 0.9) ? [body] : [body, body]));
            break;
          case 2:
            ends.push(await attacker.call("/etcdserverpb.Watch/Watch", watchMessages(prng)));
            break;
          case 3: {
            const leases = [1, -1, 0].map((ID) => etcdserverpb.LeaseKeepAliveRequest.encode({ ID }).finish());
            ends.push(await attacker.call("/etcdserverpb.Lease/LeaseKeepAlive", leases));
            break;
          }
          case 4:
            nats.send(`quorate.${cluster.name}.${asked.subject}`, body);
            break;
          case 5:
            for (let at = 0; at < 20; at += 1) {
              const { subject, data } = innerMessage(cluster.name, member, prng);
              nats.send(subject, data);
            }
            await nats.flush();
            break;
          case 6: {
            const text = randomPick(prng, [
              "{",
              "[".repeat(5000),
              '{"key":5}',
              '{"key":"YQ==","limit":"x"}',
              "9".repeat(20_000),
            ]);
            httpStatuses.add((await http.post("/v3/kv/range", text)).status);
            break;
          }
          default:
            if (randomChance(prng, 0.1)) attacker.flood();
            else await attacker.garbage(body);
        }
      }
    }

    async function behaveWell(): Promise<void> {
      const key = Buffer.from("well-behaved");
      while (performance.now() < deadline) {
        const value = Buffer.from(`${honestCalls}`);
        await client.put({ key, value });
        const { kvs } = await client.range({ key });
        expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe(`${honestCalls}`);
        honestCalls += 1;
      }
    }

    await Promise.all([attack(), attack(), attack(), behaveWell()]);
    attacker.close();

    const statuses = new Set(ends.flatMap((end) => (end === "torn" ? [] : [end.status])));
    process.stderr.write(
      `hostile order: ${ends.length} streams, codes ${[...statuses].sort((a, b) => a - b).join()}, HTTP ${[...httpStatuses].join()}, ` +
        `${honestCalls} honest pairs of calls, seed ${seed}\n`,
    );
    expect(ends.length).toBeGreaterThan(50);
    expect(honestCalls).toBeGreaterThan(10);
    for (const status of statuses) expect(status).toBeLessThanOrEqual(16);
    for (const status of httpStatuses) expect(status).toBe(400);
    for (const {
      process: { name, pid },
    } of before)
      expect({ name, pid: cluster.process(name).pid }).toEqual({ name, pid });
    for (const {
      process: { name, service },
    } of before)
      if (service !== "nats-server")
        expect(
          cluster
            .logOf(name)
            .split("\n")
            .filter((line) => BUG.test(line)),
        ).toEqual([]);
    await eventually("memory near that of the start", { withinMs: 15_000, everyMs: 250 }, () =>
      before.every(({ process, mib }) => memoryMib(process) < mib + MEMORY_GROWTH_MIB),
    );
  }, 60_000);
});
