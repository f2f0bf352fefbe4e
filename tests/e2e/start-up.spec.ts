import {
  cpSync,
  openSync,
  readFileSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
  closeSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

import { run, type Finished } from "../harness/child-process";
import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { freePorts } from "../harness/ports";
import { QuorateCluster } from "../harness/quorate-cluster";
import { fillUp, onLinuxAsRoot, smallFileSystem } from "../harness/small-file-system";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";
import { WriteLoad } from "./write-load";

/** Operators' scripts tell by the code whether starting again makes sense. */
const exitCode = {
  badOptions: 2,
  cannotListen: 64,
  brokerUnavailable: 69,
  dataDirectory: 73,
  alreadyRunning: 75,
} as const;

// What operators get wrong. A process must end with a message that names the mistake, and must not touch the data.
describe("a process that cannot start", () => {
  let cluster: QuorateCluster;
  let other: QuorateCluster;
  let folder: TemporaryFolder;
  let leftByKilled: string;
  let copies = 0;

  beforeAll(async () => {
    folder = await temporaryFolder("start-up");
    cluster = await QuorateCluster.start({ members: 1 });
    other = await QuorateCluster.start({ members: 1 });
    leftByKilled = join(folder.path, "left-by-killed");
    // The second start moves what the first one wrote from the write-ahead log to a table: there is some of both.
    await cluster.tell("kill", "n1");
    await cluster.tell("start", "n1");
    await cluster.untilWritable(20_000);
    await cluster.tell("kill", "n1");
    cpSync(option(cluster.process("n1").command, "data-dir"), leftByKilled, { recursive: true });
    await cluster.tell("start", "n1");
    await cluster.untilWritable(20_000);
  }, 60_000);

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  }, 60_000);

  it("is a second raft-node of one member, with a data folder of its own", async () => {
    const command = changed(cluster.process("n1").command, {
      "data-dir": join(folder.path, "second"),
      "initial-cluster-state": "new",
    });

    expectRefusal(await start(command), exitCode.alreadyRunning, /member/);
    await expect(cluster.untilWritable(5_000)).resolves.toBeGreaterThan(0);
  }, 60_000);

  it("is a second raft-node on one data folder", async () => {
    expectRefusal(await start(cluster.process("n1").command), exitCode.alreadyRunning, /another process/);
    await expect(cluster.untilWritable(5_000)).resolves.toBeGreaterThan(0);
  }, 60_000);

  it("is a raft-node with the data of another cluster", async () => {
    const copy = copyOfData();

    expectRefusal(
      await start(changed(other.process("n1").command, { "data-dir": copy })),
      exitCode.dataDirectory,
      /cluster/,
    );
  }, 60_000);

  it("is a raft-node with the data of another member", async () => {
    const stranger = "abcdef0123456789";
    const command = changed(cluster.process("n1").command, {
      "data-dir": copyOfData(),
      "member-id": stranger,
      "initial-cluster": `n1=${stranger}`,
    });

    expectRefusal(await start(command), exitCode.dataDirectory, /member/);
  }, 60_000);

  it("is a raft-node of a cluster that has worked, whose data are gone", async () => {
    const command = changed(cluster.process("n1").command, {
      "data-dir": join(folder.path, "empty"),
      "initial-cluster-state": "existing",
    });

    expectRefusal(await start(command), exitCode.dataDirectory, /empty/);
  }, 60_000);

  it.each([
    ["raft-node", "n1"],
    ["gateway", "gateway1"],
  ])(
    "is a %s without a broker",
    async (_service, name) => {
      const [port] = await freePorts(1);
      const command = changed(cluster.process(name).command, {
        "nats-url": `nats://127.0.0.1:${port}`,
        "data-dir": join(folder.path, "no-broker"),
        "initial-cluster-state": "new",
        "listen-client-url": `http://127.0.0.1:${(await freePorts(1))[0]}`,
      });

      expectRefusal(
        await start([...command, "--broker-wait-ms", "1000"]),
        exitCode.brokerUnavailable,
        new RegExp(`127\\.0\\.0\\.1:${port}`),
      );
    },
    60_000,
  );

  it("is a gateway whose port is taken", async () => {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, "127.0.0.1", listening));
    const { port } = taken.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const command = changed(cluster.process("gateway1").command, {
      name: "gateway2",
      "listen-client-url": url,
    });
    const result = await start(command);
    taken.close();

    expectRefusal(result, exitCode.cannotListen, new RegExp(`${port}.*EADDRINUSE`));
  }, 60_000);

  it.each([
    ["n1", { "member-id": "not hexadecimal" }, /member-id/],
    ["n1", { "member-id": "0" }, /member-id/],
    ["n1", { "initial-cluster": "n1" }, /initial-cluster/],
    ["n1", { "initial-cluster": "n2=1" }, /initial-cluster/],
    ["gateway1", { "listen-client-url": "2379" }, /listen-client-url/],
    ["gateway1", { cluster: "a.b" }, /cluster/],
  ])("is %s with the options %j", async (name, options, message) => {
    expectRefusal(await start(changed(cluster.process(name).command, options)), exitCode.badOptions, message);
  });

  it.each([
    ["raft", /^CURRENT$/],
    ["state", /^CURRENT$/],
    ["raft", /^MANIFEST/],
    ["state", /^MANIFEST/],
    ["raft", /\.sst$/],
    ["raft", /\.log$/],
  ])(
    "is a raft-node whose %s database has damage in %s",
    async (database, files) => {
      const copy = copyOfData();
      const damaged = readdirSync(join(copy, database)).filter((name) => files.test(name));
      for (const name of damaged) flipBytes(join(copy, database, name));
      const result = await start(changed(cluster.process("n1").command, { "data-dir": copy }));

      expect(damaged).not.toEqual([]);
      expectRefusal(result, exitCode.dataDirectory, /damaged|corrupt|lost entries/i);
    },
    60_000,
  );

  it("is not allowed to serve what it reads from a damaged block of its state", async () => {
    const copy = copyOfData();
    const tables = readdirSync(join(copy, "state")).filter((name) => name.endsWith(".sst"));
    for (const name of tables) flipBytes(join(copy, "state", name));
    const client = new EtcdClient({ address: cluster.address() });
    const everything = { key: Buffer.from("\0"), rangeEnd: Buffer.from("\0"), revision: 2 };
    const [expected] = (await client.range(everything)).kvs;
    await cluster.tell("kill", "n1");
    const process = start(changed(cluster.process("n1").command, { "data-dir": copy }));
    let ended = false;
    void process.finally(() => (ended = true));
    const answers: unknown[] = [];
    while (!ended) {
      const answer = await client.range(everything, 500).catch(() => undefined);
      if (answer !== undefined) answers.push(answer.kvs[0]?.value);
    }
    client.close();
    await cluster.tell("start", "n1");

    expect(tables).not.toEqual([]);
    expect(answers).toEqual(answers.map(() => expected?.value));
    const { exitCode: code, stdout, stderr } = await process;
    expect({ code, output: stdout + stderr }).toEqual({
      code: expect.any(Number) as number, // it was not the timeout that ended it
      output: expect.stringMatching(/damaged|corrupt/i) as string,
    });
  }, 60_000);

  /** What the member of `cluster` left behind when it was killed, in a folder that only the caller uses. */
  function copyOfData(): string {
    const copy = join(folder.path, `copy-${(copies += 1)}`);
    cpSync(leftByKilled, copy, { recursive: true });
    return copy;
  }
});

onLinuxAsRoot("a member whose disk is full", () => {
  let folder: TemporaryFolder;
  let cluster: QuorateCluster;
  let client: EtcdClient;

  beforeAll(async () => {
    folder = await smallFileSystem("64m");
    cluster = await QuorateCluster.start({ members: 1, folder });
    client = new EtcdClient({ address: cluster.address() });
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 60_000);

  it("stops with a clear message, and has everything acknowledged when there is space again", async () => {
    const load = new WriteLoad({ prefix: "disk-full/", writers: 4 }, client);
    await load.untilAcknowledged(50, 10_000);
    const ballast = join(folder.path, "ballast");
    fillUp(ballast);
    await eventually("writes to fail", { withinMs: 30_000 }, async () => {
      await client
        .put({ key: Buffer.from("disk-full-probe"), value: Buffer.alloc(256 * 1024) }, 3_000)
        .catch(() => 0);
      return load.failed.length > 0;
    });
    await eventually("a message about the disk", { withinMs: 20_000 }, () =>
      /.*"level":"(error|fatal)".*(ENOSPC|[Nn]o space|disk.{0,40}full).*/.exec(everyLog(cluster)),
    );
    await rm(ballast);
    await cluster.tell("start", "n1").catch(() => undefined); // the supervisor may have been quicker
    await cluster.untilWritable(30_000);
    await load.stop();

    expect(await load.violations()).toEqual([]);
  }, 120_000);
});

/** Runs a service until it ends by itself. */
function start(command: readonly string[]): Promise<Finished> {
  const [program, ...args] = command as [string, ...string[]];
  return run(program, args, { timeoutMs: 30_000 });
}

/** The command line with other values for some of its options. */
function changed(command: readonly string[], options: Readonly<Record<string, string>>): string[] {
  return command.map((part, at) => {
    const name = command[at - 1]?.replace(/^--/, "");
    return name !== undefined && name !== command[at - 1] ? (options[name] ?? part) : part;
  });
}

function option(command: readonly string[], name: string): string {
  return command[command.indexOf(`--${name}`) + 1] as string;
}

/** It ended by its own decision, and said why in a line for people rather than with a stack alone. */
function expectRefusal(result: Finished, code: number, message: RegExp): void {
  const output = `${result.stdout}${result.stderr}`;
  const reasons = output.split("\n").filter((line) => message.test(line) && !/^\s*at |^\w*Error:/.test(line));
  expect({ code: result.exitCode, output, reasons: reasons.length }).toEqual({
    code,
    output,
    reasons: expect.any(Number) as number,
  });
  expect({ output, reasons }).not.toEqual({ output, reasons: [] });
}

function flipBytes(path: string): void {
  const file = openSync(path, "r+");
  const bytes = Buffer.alloc(Math.min(statSync(path).size, 64));
  readSync(file, bytes, 0, bytes.length, 0);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = ~(bytes[at] as number) & 0xff;
  writeSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
}

/** All that the processes of a cluster have logged. */
function everyLog(cluster: QuorateCluster): string {
  return readdirSync(cluster.dataDir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".log") && !/(raft|state)[\\/]/.test(name))
    .map((name) => readFileSync(join(cluster.dataDir, name), "utf8"))
    .join("\n");
}
