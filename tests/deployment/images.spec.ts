import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../harness/child-process";
import { eventually } from "../harness/eventually";
import { MemberCluster } from "../harness/member-cluster";
import { nodeExecutable, repositoryRoot } from "../harness/repository";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";

const WITHIN_MS = 30_000;
const IMAGES_FOLDER = join(repositoryRoot, "infra/images");
const COMMANDS = ["kv-gateway", "quorate", "quorate-health", "raft-node", "watch-fanout"];

// Goal: what is in the image runs by itself, which Docker is not needed to see: the bundle stands in a folder that has no
// node_modules above it.
describe("the programs in the image", () => {
  let folder: TemporaryFolder;
  const program = (name: string): string => join(folder.path, "programs/opt/quorate", `${name}.js`);

  beforeAll(async () => {
    folder = await temporaryFolder("bundle");
    const bundling = [join(IMAGES_FOLDER, "bundle-programs.mjs"), folder.path];
    const { exitCode, stderr } = await run(nodeExecutable, bundling, { timeoutMs: WITHIN_MS });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  }, WITHIN_MS);
  afterAll(() => folder[Symbol.asyncDispose]());

  it("are commands", () => {
    expect(readdirSync(join(folder.path, "programs/usr/local/bin")).sort()).toEqual(COMMANDS);
  });

  it.each(["raft-node", "kv-gateway", "watch-fanout"])("tell the version of %s", async (name) => {
    const { exitCode, stdout } = await run(nodeExecutable, [program(name), "--version"], {
      timeoutMs: WITHIN_MS,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it(
    "run a member with its threads, database and broker, whose health is told, and which ends in order",
    async () => {
      await using members = await MemberCluster.plan({ members: 1, program: program("quorate") });
      const { address } = members.planOf("m1");
      const health = (): Promise<number | null> =>
        run(nodeExecutable, [program("quorate-health")], {
          timeoutMs: WITHIN_MS,
          environment: { QUORATE_HEALTH_URL: `http://${address}/readyz` },
        }).then(({ exitCode }) => exitCode);
      expect(await health()).toBe(1);
      members.startFounders();
      await eventually("the member to be ready", { withinMs: WITHIN_MS }, async () => (await health()) === 0);
      const answer = await fetch(`http://${address}/v3/kv/put`, {
        method: "POST",
        body: JSON.stringify({ key: "a2V5", value: "dmFsdWU=" }),
      });
      expect(await answer.json()).toMatchObject({ header: { revision: "2" } });
      expect(await members.stop("m1")).toBe(0);
    },
    2 * WITHIN_MS,
  );
});

describe("the Dockerfile", () => {
  const lines = readFileSync(join(IMAGES_FOLDER, "Dockerfile"), "utf8")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

  it("has a default for every argument", () => {
    for (const line of lines.filter((each) => each.startsWith("ARG ")))
      expect(line).toMatch(/^ARG [A-Z]+=\S+$/);
  });

  it("runs nothing above the stage that is built without a registry", () => {
    const offline = lines.slice(0, lines.indexOf("FROM runtime AS bundled"));
    expect(offline.length).toBeGreaterThan(5);
    expect(offline.filter((line) => line.startsWith("RUN "))).toEqual([]);
  });

  it("lets nothing run as root, or by way of a shell", () => {
    expect(lines).toContain("USER 10001:10001");
    expect(lines.filter((line) => /^(CMD|ENTRYPOINT) (?!\[)|^HEALTHCHECK .*CMD (?!\[)/.test(line))).toEqual(
      [],
    );
    const commands = lines.filter((line) => line.startsWith("CMD ") || line.startsWith("HEALTHCHECK "));
    for (const command of commands) expect(COMMANDS).toContain(/CMD \["([^"]+)"/.exec(command)?.[1]);
  });
});
