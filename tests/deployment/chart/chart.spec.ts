import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { parseGatewayOptions } from "@quorate/kv-gateway";
import { parseFanoutOptions } from "@quorate/watch-fanout";

import { parseInitialCluster, type Founder } from "../../../services/quorate/src/member/member-ids";
import { parseMemberOptions } from "../../../services/quorate/src/member/member-options";
import { run } from "../../harness/child-process";
import { findProgram } from "../../harness/etcd-server";
import { temporaryFolder } from "../../harness/temporary-folder";
import { podsOf, type Container, type PodOwner } from "./pods";
import {
  chartFolder,
  manifestsOf,
  readChartFile,
  RELEASE,
  renderChart,
  renderChartTexts,
  valuesOf,
  type Manifest,
  type Mapping,
} from "./render-chart";
import { ChartFailure } from "./template-functions";

/** Everything on, so that each template and each branch of one is rendered by one of them. */
const SECURE: Mapping = {
  tls: { client: { secretName: "client-certificate" }, peer: { secretName: "peer-certificate" } },
  members: { settings: { "quota-backend-bytes": "4294967296", "auto-compaction-retention": "1h" } },
  networkPolicy: { monitoring: [{ namespaceSelector: { matchLabels: { name: "monitoring" } } }] },
  serviceMonitor: { enabled: true },
};
const PLAIN: Mapping = { tls: { insecure: true } };
const EXTERNAL: Mapping = {
  topology: "external",
  tls: { client: { secretName: "client-certificate" }, insecure: true },
};
const CASES = [
  ["stacked, with certificates", SECURE],
  ["stacked, in the clear", PLAIN],
  ["external", EXTERNAL],
] as const;

const schema = readChartFile("values.schema.json");
const validate = new Ajv({ allErrors: true }).compile(schema);

function problemsOf(values: Mapping): string[] {
  void validate(valuesOf(values));
  return (validate.errors ?? []).map(({ dataPath, message }) => `${dataPath} ${message}`);
}

function settingsOf(values: Mapping): Readonly<Record<string, string>> {
  return renderChart(values).find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name.endsWith("-members"),
  )!.data!;
}

describe("the values of the chart", () => {
  it.each(CASES)("fit the schema: %s", (_, values) => {
    expect(problemsOf(values)).toEqual([]);
  });

  it.each([
    [{ topologie: "stacked" }, "should NOT have additional properties"],
    [{ topology: "both" }, ".topology should be equal to one of the allowed values"],
    [{ members: { founders: 2 } }, ".members.founders should be equal to one of the allowed values"],
    [{ members: { settings: { "quota-backend-bytes": 1 } } }, "should be string,boolean"],
    [{ members: { settings: { "data-dir": "/elsewhere" } } }, "property name 'data-dir' is invalid"],
    [{ members: { settings: { "initial-cluster": "a=b" } } }, "property name 'initial-cluster' is invalid"],
    [{ members: { terminationGracePeriodSeconds: 5 } }, "should be >= 20"],
    [{ cluster: { token: "two words" } }, ".cluster.token should match pattern"],
  ])("are refused by it when they are wrong: %j", (values, problem) => {
    expect(problemsOf(values)).toContainEqual(expect.stringContaining(problem));
  });

  it.each([
    [{}, /tls\.client\.secretName: name the Secret .* or set tls\.insecure/],
    [{ tls: { client: { secretName: "c" } } }, /tls\.peer\.secretName: name the Secret/],
    [{ ...EXTERNAL, tls: SECURE["tls"] }, /external speaks to brokers in the clear/],
    [{ ...PLAIN, members: { founders: 1 } }, /members\.founders: set it to 0/],
  ])("are refused by the templates when they do not go together: %j", (values, text) => {
    expect(() => renderChart(values)).toThrow(ChartFailure);
    expect(() => renderChart(values)).toThrow(text);
  });

  it("are all used: to change one changes what is rendered", () => {
    const bases = [SECURE, EXTERNAL].map(
      (values) => [values, JSON.stringify(renderChartTexts(values))] as const,
    );
    const unused = leavesOf(readChartFile("values.yaml")).filter(([path, value]) => {
      const other = nested(path, another(path, value));
      return bases.every(([values, before]) => {
        try {
          return JSON.stringify(renderChartTexts(over(values, other))) === before;
        } catch (error) {
          if (error instanceof ChartFailure) return false;
          throw error;
        }
      });
    });
    expect(unused.map(([path]) => path.join("."))).toEqual([]);
  });

  it("all stand in the schema, and what the schema knows stands in values.yaml", () => {
    const inSchema = schemaPaths(schema).filter((path) => path !== "global");
    expect(inSchema.sort()).toEqual(
      leavesOf(readChartFile("values.yaml"))
        .map(([path]) => path.join("."))
        .sort(),
    );
  });
});

describe("the members of the chart", () => {
  it.each(CASES)("are told what `quorate member` takes, without a warning: %s", async (_, values) => {
    await using folder = await temporaryFolder("chart");
    mkdirSync(folder.path, { recursive: true });
    for (const [file, text] of Object.entries(settingsOf(values))) {
      const path = join(folder.path, file);
      writeFileSync(path, text);
      const { options, warnings } = parseMemberOptions([`--config-file=${path}`], {});
      expect(warnings).toEqual([]);
      expect(file).toBe(`${options.name}.yaml`);
      expect(options.dataDir).toBe("/data/quorate");
      expect(options.listenMetricsUrls).toEqual(["http://0.0.0.0:2381"]);
    }
  });

  it("found the cluster together, and those beyond the founders join it", () => {
    const five = settingsOf({ ...SECURE, members: { replicas: 5 } });
    const told = Object.values(five).map((text) => ({
      state: /^initial-cluster-state: (.*)$/m.exec(text)![1]!,
      names: parseInitialCluster(/^initial-cluster: (.*)$/m.exec(text)![1]!).map(({ name }: Founder) => name),
    }));
    const names = Object.keys(five).map((file) => file.replace(".yaml", ""));
    expect(told).toEqual([
      ...[0, 1, 2].map(() => ({ state: "new", names: names.slice(0, 3) })),
      { state: "existing", names: names.slice(0, 4) },
      { state: "existing", names },
    ]);
  });

  it("are not restarted and told nothing else when others are added", () => {
    const templateOf = (values: Mapping): unknown =>
      podsOf(renderChart(values)).find(({ kind }) => kind === "StatefulSet")!.template;
    const grown = { ...SECURE, members: { ...(SECURE["members"] as Mapping), replicas: 5 } };
    expect(templateOf(grown)).toEqual(templateOf(SECURE));
    expect(settingsOf(grown)).toMatchObject(settingsOf(SECURE));
    const tuned = { ...SECURE, members: { settings: { "log-level": "debug" } } };
    expect(templateOf(tuned)).not.toEqual(templateOf(SECURE));
  });
});

describe("the processes beside members, in the external topology,", () => {
  const pods = podsOf(renderChart(EXTERNAL));

  it("are told what they take", () => {
    const argsOf = (name: string): string[] =>
      containerNamed(pods, name).args!.map((arg) => arg.replace("$(POD_NAME)", "pod-0"));
    expect(parseGatewayOptions(argsOf("gateway"), {}).certFile).toBe("/tls/client/tls.crt");
    expect(parseFanoutOptions(argsOf("fanout"), {}).natsUrl).toHaveLength(3);
  });

  it("connect to brokers that are there", () => {
    const brokers = pods.find(({ name }) => name.endsWith("-brokers"))!;
    const hosts = Array.from(
      { length: brokers.replicas },
      (_, at) => `${brokers.name}-${at}.${brokers.name}.store.svc`,
    );
    const urls = hosts.map((host) => `nats://${host}:4222`);
    expect(parseFanoutOptions(containerNamed(pods, "fanout").args!.slice(1), {}).natsUrl).toEqual(urls);
    const routes = renderChart(EXTERNAL).find(({ data }) => data?.["nats-server.conf"] !== undefined)!;
    for (const host of hosts) expect(routes.data!["nats-server.conf"]).toContain(`"nats://${host}:6222"`);
  });
});

describe.each(CASES)("the manifests of the chart, %s,", (_, values) => {
  const manifests = renderChart(values);
  const pods = podsOf(manifests);
  const named = (kind: string): string[] =>
    manifests.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name);

  it("have names of their own", () => {
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("select pods that there are, by named ports that these have", () => {
    for (const { kind, metadata, spec } of manifests) {
      if (!["Service", "PodDisruptionBudget", "NetworkPolicy"].includes(kind)) continue;
      const labels = (kind === "Service" ? spec!["selector"] : selectorOf(spec!)) as Record<string, string>;
      const selected = pods.filter(({ labels: own }) => matches(own, labels));
      expect({ of: metadata.name, selected: selected.length > 0 }).toEqual({
        of: metadata.name,
        selected: true,
      });
      if (kind !== "Service") continue;
      for (const { port } of spec!["ports"] as { port: number }[])
        expect(selected.flatMap(({ containers }) => containers.flatMap(portsOf))).toContain(port);
    }
    for (const { service } of pods) if (service !== undefined) expect(named("Service")).toContain(service);
  });

  it("let pods find each other before any of them is ready, and ask nothing of the kubelet that needs a certificate", () => {
    for (const { kind, service, spec, containers } of pods) {
      if (kind === "StatefulSet") {
        const headless = manifests.find((each) => each.kind === "Service" && each.metadata.name === service)!;
        expect(headless.spec).toMatchObject({ clusterIP: "None", publishNotReadyAddresses: true });
        expect(spec["podManagementPolicy"]).toBe("Parallel");
      }
      for (const { startupProbe, readinessProbe, livenessProbe, ports } of containers) {
        const asked = [startupProbe, readinessProbe, livenessProbe].flatMap((probe) => probe?.httpGet ?? []);
        const open = (ports ?? [])
          .map(({ name }) => name)
          .filter((name) => ["metrics", "monitor"].includes(name));
        for (const { port, scheme } of asked) expect([open, scheme]).toEqual([[port], undefined]);
        expect(asked.length > 0).toBe(open.length > 0);
      }
    }
  });

  it("mount volumes that there are, of settings that there are", () => {
    for (const { containers, volumes, claims } of pods) {
      const known = [...volumes.map(({ name }) => name), ...claims];
      const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts ?? []).map(({ name }) => name);
      expect([...mounted].sort()).toEqual([...known].sort());
      for (const { configMap } of volumes)
        if (configMap !== undefined) expect(named("ConfigMap")).toContain(configMap.name);
    }
  });

  it("run without privileges, on a file system that cannot be written, and within limits", () => {
    for (const { containers, security, tokenMounted } of pods) {
      expect(security).toMatchObject({ runAsNonRoot: true, runAsUser: 10001 });
      expect(tokenMounted).toBe(false);
      for (const { securityContext, resources } of containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(resources).toMatchObject({
          requests: { memory: expect.any(String) },
          limits: expect.anything(),
        });
      }
    }
  });

  it("let only members reach the peer port, and nobody the broker's port for clients from outside", () => {
    const rules = manifests.filter(({ kind }) => kind === "NetworkPolicy").flatMap(ingressOf);
    const own = { "app.kubernetes.io/instance": RELEASE.Name };
    for (const { ports, from } of rules) {
      if (!ports.some((port) => [2380, 4222, 6222].includes(port))) continue;
      expect(from.length).toBeGreaterThan(0);
      for (const peer of from) expect(peer).toMatchObject({ podSelector: { matchLabels: own } });
    }
    expect(rules.every(({ from }) => from.length > 0)).toBe(true); // an empty list would be everybody
  });
});

(findProgram("helm") === undefined ? describe.skip : describe)("helm itself", () => {
  it.each(CASES)("finds nothing wrong, and renders what these tests look at: %s", async (_, values) => {
    await using folder = await temporaryFolder("helm");
    const file = join(folder.path, "values.json");
    writeFileSync(file, JSON.stringify(values));
    const lint = await run("helm", ["lint", "--strict", chartFolder, "-f", file], { timeoutMs: 30_000 });
    expect({ exitCode: lint.exitCode, stderr: lint.stderr }).toEqual({ exitCode: 0, stderr: "" });
    const args = ["template", RELEASE.Name, chartFolder, "-n", RELEASE.Namespace, "-f", file];
    const { stdout } = await run("helm", args, { timeoutMs: 30_000 });
    expect(inOrder(manifestsOf(stdout))).toEqual(inOrder(renderChart(values)));
  });
});

function containerNamed(pods: readonly PodOwner[], name: string): Container {
  return pods.flatMap(({ containers }) => containers).find((container) => container.name === name)!;
}

function inOrder(manifests: readonly Manifest[]): Manifest[] {
  const name = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;
  return [...manifests].sort((a, b) => (name(a) < name(b) ? -1 : 1));
}

function portsOf({ ports }: Container): number[] {
  return (ports ?? []).map(({ containerPort }) => containerPort);
}

function selectorOf(spec: Mapping): unknown {
  return ((spec["selector"] ?? spec["podSelector"]) as { matchLabels: unknown }).matchLabels;
}

function matches(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function ingressOf({ spec }: Manifest): { readonly ports: number[]; readonly from: readonly Mapping[] }[] {
  const rules = (spec!["ingress"] ?? []) as { ports?: { port: number }[]; from?: Mapping[] }[];
  return rules.map(({ ports, from }) => ({ ports: (ports ?? []).map(({ port }) => port), from: from ?? [] }));
}

type Path = readonly string[];

/** What has no names below it in values.yaml; what is empty there, or free in form, counts as a whole. */
function leavesOf(value: unknown, path: Path = []): [path: Path, value: unknown][] {
  const isFree = path.at(-1) === "resources";
  if (typeof value !== "object" || value === null || Array.isArray(value) || isFree) return [[path, value]];
  const entries = Object.entries(value);
  return entries.length === 0
    ? [[path, value]]
    : entries.flatMap(([key, each]) => leavesOf(each, [...path, key]));
}

function schemaPaths(of: Mapping, path: Path = []): string[] {
  const properties = of["properties"] as Readonly<Record<string, Mapping>> | undefined;
  if (properties === undefined) return [path.join(".")];
  return Object.entries(properties).flatMap(([key, each]) => schemaPaths(each, [...path, key]));
}

/** Something else of that kind. */
function another(path: Path, value: unknown): unknown {
  const choices: Readonly<Record<string, string>> = {
    topology: "external",
    antiAffinity: "preferred",
    whenScaled: "Delete",
  };
  if (typeof value === "string") return choices[path.at(-1)!] ?? `${value}x`;
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  return Array.isArray(value) ? [{ name: "x" }] : { x: "y" };
}

function nested(path: Path, value: unknown): Mapping {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Mapping;
}

function over(under: Mapping, given: Mapping): Mapping {
  const both = Object.entries(given).map(([key, value]) => {
    const below = under[key];
    const isDeeper =
      typeof value === "object" && value !== null && !Array.isArray(value) && below !== undefined;
    return [key, isDeeper ? over(below as Mapping, value as Mapping) : value];
  });
  return { ...under, ...(Object.fromEntries(both) as Mapping) };
}
