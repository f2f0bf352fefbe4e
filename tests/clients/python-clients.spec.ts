import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { run } from "../harness/child-process";
import { QuorateCluster } from "../harness/quorate-cluster";

jest.setTimeout(180_000);

// Debian's packages belong to the system's Python, whatever else is first on the PATH.
const python = "/usr/bin/python3";
const isInstalled = (module: string): boolean =>
  spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0;

const clients = [
  { module: "etcd3", debianPackage: "python3-etcd3", script: "etcd3_client.py" },
  { module: "etcd3gw", debianPackage: "python3-etcd3gw", script: "etcd3gw_client.py" },
];
const installed = clients.filter(({ module }) => isInstalled(module));
for (const { module, debianPackage } of clients) {
  if (!isInstalled(module)) console.warn(`Skipped: ${debianPackage} is not installed.`);
}

// Public Python clients, unmodified; what they do stands in python/*.py.
(installed.length > 0 ? describe : describe.skip)("Debian's Python clients", () => {
  let cluster: QuorateCluster;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3 });
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each(installed)("$debianPackage does its ordinary work", async ({ script }) => {
    const [host, port] = cluster.address().split(":");
    const finished = await run(python, [join(__dirname, "python", script), host!, port!], {
      timeoutMs: 90_000,
    });
    expect(finished).toMatchObject({ exitCode: 0, stdout: "ok\n" });
  });
});
