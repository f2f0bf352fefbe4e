import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { testCertificate, testKey } from "@quorate/testing";
import { parse } from "yaml";

import { parseMemberOptions } from "../../services/quorate/src/member/member-options";
import { CapturedOutput, killAndWait, run } from "../harness/child-process";
import { findProgram } from "../harness/etcd-server";
import { eventually } from "../harness/eventually";
import { HttpCaller } from "../harness/http-caller";
import { freePorts } from "../harness/ports";
import { nodeExecutable, repositoryRoot, serviceMain } from "../harness/repository";
import { temporaryFolder } from "../harness/temporary-folder";

interface Probe {
  readonly httpGet: { readonly host: string; readonly path: string; readonly port: number };
}

interface StaticPod {
  readonly spec: {
    readonly containers: readonly [
      { readonly command: readonly string[] } & Readonly<
        Record<"startupProbe" | "readinessProbe" | "livenessProbe", Probe>
      >,
    ];
  };
}

interface PatchOperation {
  readonly op: "add" | "replace";
  readonly path: string;
  readonly value: unknown;
}

const folder = join(repositoryRoot, "infra", "kubeadm");
const manifest = readYaml(join(folder, "etcd.yaml")) as StaticPod;
const [, , ...flags] = manifest.spec.containers[0].command;

/** What kubeadm writes since it comes with etcd 3.6. */
const FLAGS_OF_36 = flags.map((flag) =>
  flag
    .replace("--experimental-initial-corrupt-check=true", "--feature-gates=InitialCorruptCheck=true")
    .replace("--experimental-watch-progress", "--watch-progress"),
);

describe("the static pod of kubeadm", () => {
  it("is kubeadm's own, but for what the patch changes", () => {
    const own = readYaml(join(repositoryRoot, "tests", "deployment", "kubeadm-etcd.yaml"));
    for (const operation of readYaml(join(folder, "patches", "etcd+json.yaml")) as PatchOperation[])
      apply(own, operation);
    expect(own).toEqual(manifest);
  });

  it.each([
    ["3.5", flags],
    ["3.6", FLAGS_OF_36],
  ])("is told what `quorate member` takes: flags of etcd %s", (_, given) => {
    const { options, warnings } = parseMemberOptions(given, {});
    expect(warnings).toEqual([expect.stringContaining("--snapshot-count has no effect")]);
    expect(options).toMatchObject({
      name: "cp1",
      dataDir: "/var/lib/etcd",
      listenClientUrls: ["https://127.0.0.1:2379", "https://10.0.0.11:2379"],
      clientCertAuth: true,
      peerCertFile: "/etc/kubernetes/pki/etcd/peer.crt",
      initialCorruptCheck: expect.stringMatching(/on|true/) as string,
      watchProgressNotifyInterval: "5s",
    });
  });

  // Method: the command of the manifest as a process, with the node's addresses, ports and files replaced by those of this test.
  it("answers its probes, and etcdctl with a certificate", async () => {
    await using place = await temporaryFolder("kubeadm");
    const [client, peer, metrics, nats] = (await freePorts(4)) as [number, number, number, number];
    const replaced: readonly (readonly [RegExp, string])[] = [
      [/10\.0\.0\.11/g, "127.0.0.2"],
      [/:2379/g, `:${client}`],
      [/:2380/g, `:${peer}`],
      [/:2381/g, `:${metrics}`],
      [/\/var\/lib\/etcd/, place.path],
      [/\/etc\/kubernetes\/pki\/etcd\/ca\.crt/, testCertificate("authority")],
      [/\/etc\/kubernetes\/pki\/etcd\/(?:server|peer)\.crt/, testCertificate("server")],
      [/\/etc\/kubernetes\/pki\/etcd\/(?:server|peer)\.key/, testKey("server")],
    ];
    const args = flags.map((flag) =>
      replaced.reduce((text, [pattern, value]) => text.replace(pattern, value), flag),
    );
    const child = spawn(
      nodeExecutable,
      [serviceMain("quorate"), "member", ...args, `--listen-nats-url=nats://127.0.0.1:${nats}`],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const output = new CapturedOutput(child);
    try {
      const probes = new HttpCaller(`127.0.0.1:${metrics}`);
      const { startupProbe, readinessProbe, livenessProbe } = manifest.spec.containers[0];
      for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
        expect([httpGet.host, httpGet.port]).toEqual(["127.0.0.1", 2381]);
        await eventually(`${httpGet.path} to be answered`, { withinMs: 60_000 }, async () => {
          expect(child.exitCode).toBeNull();
          return (await probes.get(httpGet.path)).status === 200;
        });
      }
      if (findProgram("etcdctl") === undefined) {
        process.stderr.write("etcdctl is not installed: the static pod of kubeadm was not asked by it.\n");
        return;
      }
      const identity = ["--cacert", testCertificate("authority"), "--cert", testCertificate("client")];
      const etcdctl = (...words: readonly string[]) =>
        run(
          "etcdctl",
          [`--endpoints=https://127.0.0.1:${client}`, ...identity, "--key", testKey("client"), ...words],
          {
            environment: { ETCDCTL_API: "3" },
            timeoutMs: 15_000,
          },
        );
      expect((await etcdctl("put", "/registry/minions/cp1", "node")).stdout).toBe("OK\n");
      expect((await etcdctl("get", "/registry/minions/cp1", "--print-value-only")).stdout).toBe("node\n");
      await killAndWait(child, "SIGTERM");
      expect(child.exitCode).toBe(0);
    } catch (error) {
      process.stderr.write(output.stdout.slice(-4000));
      throw error;
    } finally {
      await killAndWait(child);
    }
  }, 120_000);
});

function readYaml(path: string): unknown {
  return parse(readFileSync(path, "utf8"));
}

/** JSON Patch (RFC 6902), as far as the patch here goes: what is added to a list moves up what is there. */
function apply(document: unknown, { op, path, value }: PatchOperation): void {
  const steps = path.slice(1).split("/");
  const last = steps.pop()!;
  const parent = steps.reduce((at, step) => (at as Readonly<Record<string, unknown>>)[step], document);
  if (op === "replace") expect(Object.keys(parent as object)).toContain(last);
  if (Array.isArray(parent)) parent.splice(Number(last), op === "replace" ? 1 : 0, value);
  else (parent as Record<string, unknown>)[last] = value;
}
