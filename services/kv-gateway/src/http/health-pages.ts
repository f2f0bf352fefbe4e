import type { IncomingMessage, ServerResponse } from "node:http";
import { utf8 } from "@quorate/base";
import type { MetricRegistry } from "@quorate/telemetry";
import type { HealthCheckName, HealthChecks } from "../health/health-checks";
import { answerJson, answerText } from "./answer";
import type { HttpHandler } from "./route";

type Probe = "livez" | "readyz";

/** In the order in which they are shown. */
const PROBES: Readonly<Record<Probe, readonly HealthCheckName[]>> = {
  livez: ["serializable_read"],
  readyz: ["data_corruption", "serializable_read", "linearizable_read", "non_learner"],
};

export interface HealthPagesDependencies {
  readonly checks: HealthChecks;
  readonly registry: MetricRegistry;
}

/** `/health`, and `/livez` and `/readyz` with a page for each of their checks. */
export function healthPages(dependencies: HealthPagesDependencies): [path: string, HttpHandler][] {
  const { checks, registry } = dependencies;
  const success = registry.counter("etcd_server_health_success", "Times that /health found nothing wrong.");
  const failures = registry.counter(
    "etcd_server_health_failures",
    "Times that /health found something wrong.",
  );
  const health: HttpHandler = (request, response) => {
    const query = queryOf(request);
    checks.overall(query.getAll("exclude"), query.get("serializable") === "true", (reason) => {
      (reason === undefined ? success : failures).value += 1;
      const body = { health: reason === undefined ? "true" : "false", reason: reason ?? "" };
      answerJson(response, reason === undefined ? 200 : 503, utf8(JSON.stringify(body)));
    });
  };
  const probes = Object.entries(PROBES).flatMap(([probe, names]): [string, HttpHandler][] => {
    const counted = names.map((name) => countedCheck(probe, name, dependencies));
    return [
      [`/${probe}`, probePage(counted)],
      ...counted.map((check): [string, HttpHandler] => [`/${probe}/${check.name}`, probePage([check])]),
    ];
  });
  return [["/health", health], ...probes];
}

interface CountedCheck {
  readonly name: HealthCheckName;
  run(verdict: (fault: string | undefined) => void): void;
}

function countedCheck(
  probe: string,
  name: HealthCheckName,
  { checks, registry }: HealthPagesDependencies,
): CountedCheck {
  const labels = { type: probe, name };
  const counterOf = (status: string) =>
    registry.counter("etcd_server_healthchecks_total", "Health checks that were made.", {
      ...labels,
      status,
    });
  const [success, error] = [counterOf("success"), counterOf("error")];
  let last: number | undefined;
  registry.observe("gauge", "etcd_server_healthcheck", "1 if the last check found nothing wrong.", () =>
    last === undefined ? undefined : [{ labels, value: last }],
  );
  return {
    name,
    run: (verdict) =>
      checks.run(name, (fault) => {
        last = fault === undefined ? 1 : 0;
        (fault === undefined ? success : error).value += 1;
        verdict(fault);
      }),
  };
}

/** Names in `exclude` that no check has are ignored, as etcd does: one probe may serve several versions. */
function probePage(checks: readonly CountedCheck[]): HttpHandler {
  return (request, response) => {
    const query = queryOf(request);
    const excluded = query.getAll("exclude");
    const wanted = checks.filter(({ name }) => !excluded.includes(name));
    runAll(wanted, (faults) => show(response, wanted, faults, query.has("verbose")));
  };
}

function runAll(
  checks: readonly CountedCheck[],
  done: (faults: readonly (string | undefined)[]) => void,
): void {
  const faults = new Array<string | undefined>(checks.length).fill(undefined);
  let running = checks.length;
  if (running === 0) return done(faults);
  for (const [at, check] of checks.entries()) {
    check.run((fault) => {
      faults[at] = fault;
      running -= 1;
      if (running === 0) done(faults);
    });
  }
}

function show(
  response: ServerResponse,
  checks: readonly CountedCheck[],
  faults: readonly (string | undefined)[],
  verbose: boolean,
): void {
  const lines = checks.map(({ name }, at) => {
    const fault = faults[at];
    return fault === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${fault}\n`;
  });
  const isHealthy = faults.every((fault) => fault === undefined);
  if (!isHealthy) return answerText(response, 503, lines.join(""));
  answerText(response, 200, verbose ? `${lines.join("")}ok\n` : "ok\n");
}

function queryOf({ url }: IncomingMessage): URLSearchParams {
  return new URLSearchParams((url ?? "").split("?")[1]);
}
