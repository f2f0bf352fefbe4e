import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, systemScheduler } from "@quorate/actor";
import { MetricRegistry } from "@quorate/telemetry";
import { parse } from "yaml";
import { CallMeters } from "../../services/kv-gateway/src/metrics/call-meters";
import { GatewayMetrics } from "../../services/kv-gateway/src/metrics/gateway-metrics";
import { memberId } from "../../services/kv-gateway/src/testing/bench";
import { testGateway } from "../../services/kv-gateway/src/testing/test-gateway";
import { COMPOSE_FOLDER, readComposeFile } from "./compose-file";

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}
interface ScrapeConfig {
  readonly job_name: string;
  readonly dns_sd_configs?: readonly { readonly names: readonly string[]; readonly port: number }[];
}

const folder = join(COMPOSE_FOLDER, "observability");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");
/** Of PromQL, and of the labels that are used here. */
const OTHER_WORDS =
  /^(sum|max|min|by|rate|increase|histogram_quantile|up|le|job|instance|kind|service|method|server_id|alarm_type|grpc_\w+_?|service_name|span_name|\d+\w*)$/;

/** Names of metrics in an expression of PromQL. */
function metricsOf(expression: string): string[] {
  const withoutLabels = expression.replace(/\{[^}]*\}|\[[^\]]*\]/g, "").replace(/\bby \([^)]*\)/g, "");
  const words = withoutLabels.match(/[A-Za-z_:][\w:]*/g) ?? [];
  return words.filter((word) => !OTHER_WORDS.test(word) || /^grpc_server_/.test(word));
}

/** What a gateway with a home member shows, without the endings of histograms. */
async function shownByGateway(): Promise<Set<string>> {
  const registry = new MetricRegistry();
  const { gateway, transport, nodes } = testGateway({ clock: systemClock, scheduler: systemScheduler });
  nodes[0].alarms = [{ type: "no-space", memberId: memberId(1) }];
  const metrics = new GatewayMetrics({ homeMember: memberId(1), answerMs: 10_000 }, { gateway, registry });
  const meters = new CallMeters({ registry, clock: systemClock });
  meters.ofRpc("etcdserverpb.KV/Put");
  meters.ofNats("kv", "put");
  const text = await new Promise<string>((resolve) => metrics.collect(resolve));
  gateway.close();
  await transport[Symbol.asyncDispose]();
  for (const node of nodes) await node.disconnect();
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
}

const dashboard = JSON.parse(read("grafana/quorate.json")) as Dashboard;
const panels = dashboard.panels.flatMap(({ title, targets }) =>
  (targets ?? []).map(({ expr }) => ({ place: title, expr })),
);
const { groups } = parse(read("alerts.yaml")) as {
  groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ place: alert, expr })));

describe("what watches a cluster", () => {
  let shown: Set<string>;
  beforeAll(async () => {
    shown = await shownByGateway();
  });

  it.each([...panels, ...alerts])("asks in $place for metrics that there are", ({ expr }) => {
    const missing = metricsOf(expr).filter(
      (name) => !shown.has(name.replace(/_bucket$/, "")) && !/^traces_(calls|duration)_/.test(name),
    );
    expect(missing).toEqual([]);
  });

  it("has panels with ids of their own", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("collects from every member and gateway of either topology", () => {
    const { scrape_configs: jobs } = parse(read("prometheus.yaml")) as {
      scrape_configs: readonly ScrapeConfig[];
    };
    const clients = ["stacked.yaml", "external.yaml"].flatMap((file) =>
      Object.entries(readComposeFile(file).services)
        .filter(([, { ports }]) => (ports ?? []).some((port) => port.endsWith(":2379")))
        .map(([name]) => name),
    );
    const [targets] = jobs.find((job) => job.job_name === "quorate")!.dns_sd_configs!;
    expect([...targets!.names].sort()).toEqual(clients.sort());
    expect(targets!.port).toBe(2379);
  });
});
