import { utf8 } from "@quorate/base";
import { answer, type HttpHandler } from "@quorate/probes";
import { METRICS_CONTENT_TYPE } from "@quorate/telemetry";
import type { GatewayMetrics } from "../metrics/gateway-metrics";

/** `/metrics`, for Prometheus. */
export function metricsPage(metrics: Pick<GatewayMetrics, "collect">): HttpHandler {
  return (_request, response) =>
    metrics.collect((text) => answer(response, 200, METRICS_CONTENT_TYPE, utf8(text)));
}
