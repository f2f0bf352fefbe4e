import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { buildEarlier } from "../harness/earlier-build";
import { EtcdClient } from "../harness/etcd-client";
import { settledMemberStates } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { repositoryRoot } from "../harness/repository";
import { temporaryFolder } from "../harness/temporary-folder";
import { observe, playScene } from "./data-scene";

/**
 * Makes what `earlier-data.spec.ts` opens: `node tests/dist/upgrade/make-data.js COMMIT` builds that commit, has it write, and
 * packs the data of its members with what it says of them. To be run for each release, and the result committed.
 */
async function makeData(commit: string): Promise<void> {
  await using folder = await temporaryFolder("make-data");
  const build = await buildEarlier(commit, join(folder.path, "build"));
  for (const members of [1, 3]) {
    const name = `${commit.slice(0, 7)}-${members}`;
    const kept = join(folder.path, name);
    const running = join(folder.path, `${name}-running`);
    mkdirSync(running);
    const owned = { path: running, [Symbol.asyncDispose]: () => Promise.resolve() };
    {
      await using cluster = await QuorateCluster.start({ members, build, folder: owned });
      const client = new EtcdClient({ address: cluster.address() });
      await playScene(client);
      const expected = await observe(client, cluster.address());
      client.close();
      await settledMemberStates(cluster, 20_000);
      // As a crash leaves it: some of it in the write-ahead log only.
      for (const member of cluster.members) await cluster.tell("kill", member);
      mkdirSync(kept);
      writeFileSync(join(kept, "expected.json"), JSON.stringify(expected, null, 1));
      mkdirSync(join(kept, "data"));
      cpSync(join(running, "data/topology.json"), join(kept, "data/topology.json"));
      for (const member of cluster.members)
        cpSync(join(running, "data", member), join(kept, "data", member), { recursive: true });
    }
    dropReports(join(kept, "data"));
    const target = join(repositoryRoot, "tests/upgrade/data", `${name}.tar.gz`);
    execFileSync("tar", [
      "--sort=name",
      "--owner=0",
      "--group=0",
      "--mtime=@0",
      "-C",
      kept,
      "-czf",
      target,
      ".",
    ]);
    process.stdout.write(`${target}\n`);
  }
}

/** What the engine writes for people, and its lock: nothing that is read again. */
function dropReports(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (/^(LOG(\.old.*)?|LOCK)$/.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
  }
}

void makeData(process.argv[2] ?? "HEAD");
