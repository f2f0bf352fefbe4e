import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { EtcdClient, etcdMethods } from "../harness/etcd-client";
import { settledStates } from "../harness/member-states";
import { freePorts } from "../harness/ports";
import { QuorateCluster } from "../harness/quorate-cluster";
import { repositoryRoot } from "../harness/repository";
import { temporaryFolder } from "../harness/temporary-folder";
import { missingLines, stepsOf, WalkThroughShell, type Step } from "./walk-through";
import { WriteLoad } from "./write-load";

const pagesDirectory = join(repositoryRoot, "infra", "operations");
const PREAMBLE = "README.md";
/** A step may wait for elections, snapshots and processes that start, on a machine that is busy with other things. */
const STEP_MS = 120_000;
const PAGE_MS = 300_000;
/** Acknowledged before a step, so that it is carried out among writes. */
const WRITES_PER_STEP = 10;

// Goal: what the pages for operators say is true, to the letter. Method: all commands of a page are run in one shell, as a reader
// would, after those of the page that all take for granted; clients write from the moment on at which there is a cluster.
describe("the operator's page", () => {
  const pages = readdirSync(pagesDirectory).filter((name) => name.endsWith(".md") && name !== PREAMBLE);

  it.each(pages)(
    "%s works as it is written, and loses no acknowledged write",
    async (name) => {
      const folder = await temporaryFolder("operations");
      const [port, ...brokerPorts] = await freePorts(9);
      const address = `127.0.0.1:${port}`;
      await using cluster = QuorateCluster.in(folder); // takes the folder with it
      await using shell = new WalkThroughShell({
        directory: repositoryRoot,
        scratch: folder.path,
        environment: { DATA: cluster.dataDir, ENDPOINT: address, BROKER_PORTS: brokerPorts.join(" ") },
      });
      const run = async (step: Step): Promise<void> => {
        const output = await shell.run(step, STEP_MS);
        const missing = missingLines(step.expected ?? "", output);
        if (missing.length > 0)
          throw new Error(`${name}: "${step.title}" did not print\n${missing.join("\n")}\nbut\n${output}`);
      };
      const client = new EtcdClient({ address });
      let load: WriteLoad | undefined;
      try {
        for (const step of stepsOf(readPage(PREAMBLE))) await run(step);
        for (const step of stepsOf(readPage(name))) {
          await run(step);
          load ??= new WriteLoad({ prefix: "operations/", writers: 2 }, client);
          if (await takesWrites(client)) await load.untilAcknowledged(WRITES_PER_STEP, STEP_MS);
        }
        await load!.untilAcknowledged(WRITES_PER_STEP, STEP_MS);
        await load!.stop();
        expect(await load!.violations()).toEqual([]);
        await expectAllAlike(shell, client);
      } catch (error) {
        throw new Error(`${name} does not work as it is written\n${logsIn(cluster.dataDir)}`, {
          cause: error,
        });
      } finally {
        await load?.stop();
        client.close();
      }
    },
    PAGE_MS,
  );
});

function readPage(name: string): string {
  return readFileSync(join(pagesDirectory, name), "utf8");
}

/** Not while the page has the cluster down. */
async function takesWrites(client: EtcdClient): Promise<boolean> {
  return client.put({ key: Buffer.from("probe") }, 3000).then(
    () => true,
    () => false,
  );
}

/** The members that the cluster has at the end of a page have all become the same. */
async function expectAllAlike(shell: WalkThroughShell, client: EtcdClient): Promise<void> {
  const commands = 'echo "$QUORATE_NATS_URL $QUORATE_CLUSTER"\n';
  const where = await shell.run({ title: "where is it", commands, expected: undefined }, STEP_MS);
  const [brokerUrl = "", cluster = ""] = where.trim().split(" ");
  const { members } = await client.call(etcdMethods.memberList, {});
  const ids = members.map(({ ID }) => BigInt(`${ID ?? 0}`));
  const states = await settledStates({ brokerUrl, cluster }, ids, STEP_MS);
  expect(new Set(states.map(({ effectHash }) => effectHash)).size).toBe(1);
}

/** The last lines of whatever was running, for who looks into a failure. */
function logsIn(dataDir: string): string {
  return [dataDir, join(dataDir, "logs")]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((file) => file.endsWith(".log"))
    .map((file) => `-- ${file}\n${readFileSync(file, "utf8").trim().split("\n").slice(-8).join("\n")}`)
    .join("\n");
}
