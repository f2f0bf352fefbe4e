import type { ServerResponse } from "node:http";
import { utf8 } from "@quorate/base";
import type { MetricRegistry } from "@quorate/telemetry";
import { answerJson, answerText, queryOf, type HttpHandler } from "./answer";
import type { HealthCheck } from "./health-check";

/** Whether to start this process again, and whether to send it anything. */
export type Probe = "livez" | "readyz";

export type Page = readonly [path: string, handler: HttpHandler];

/**
 * The page of a probe, as etcd answers it (`?verbose`, `?exclude=NAME`), and one for each of its checks.
 *
 * @param checks In the order in which they are shown. None: it always succeeds.
 */
export function probePages(probe: Probe, checks: readonly HealthCheck[], registry: MetricRegistry): Page[] {
  const counted = checks.map((check) => countedCheck(probe, check, registry));
  return [
    [`/${probe}`, probePage(counted)],
    ...counted.map((check): Page => [`/${probe}/${check.name}`, probePage([check])]),
  ];
}

/** etcd's older page. @param verdict Of one request, with its query. */
export function healthPage(
  registry: MetricRegistry,
  verdict: (query: URLSearchParams, tell: (reason: string | undefined) => void) => void,
): Page {
  const success = registry.counter("etcd_server_health_success", "Times that /health found nothing wrong.");
  const failures = registry.counter(
    "etcd_server_health_failures",
    "Times that /health found something wrong.",
  );
  return [
    "/health",
    (request, response) =>
      verdict(queryOf(request), (reason) => {
        (reason === undefined ? success : failures).value += 1;
        const body = { health: reason === undefined ? "true" : "false", reason: reason ?? "" };
        answerJson(response, reason === undefined ? 200 : 503, utf8(JSON.stringify(body)));
      }),
  ];
}

/** @param done Gets the fault of each check in their order, once all have told. */
export function runChecks(
  checks: readonly HealthCheck[],
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

function countedCheck(probe: Probe, check: HealthCheck, registry: MetricRegistry): HealthCheck {
  const { name } = check;
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
      check.run((fault) => {
        last = fault === undefined ? 1 : 0;
        (fault === undefined ? success : error).value += 1;
        verdict(fault);
      }),
  };
}

/** Names in `exclude` that no check has are ignored, as etcd does: one probe may serve several versions. */
function probePage(checks: readonly HealthCheck[]): HttpHandler {
  return (request, response) => {
    const query = queryOf(request);
    const excluded = query.getAll("exclude");
    const wanted = checks.filter(({ name }) => !excluded.includes(name));
    runChecks(wanted, (faults) => show(response, wanted, faults, query.has("verbose")));
  };
}

function show(
  response: ServerResponse,
  checks: readonly HealthCheck[],
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
