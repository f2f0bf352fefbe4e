import { utf8 } from "@quorate/base";
import { METRICS_CONTENT_TYPE } from "@quorate/telemetry";
import type { GatewayMetrics } from "../metrics/gateway-metrics";
import { answer } from "./answer";
import type { HttpHandler } from "./route";

/** `/metrics`, for Prometheus. */
export function metricsPage(metrics: Pick<GatewayMetrics, "collect">): HttpHandler {
  return (_request, response) =>
    metrics.collect((text) => answer(response, 200, METRICS_CONTENT_TYPE, utf8(text)));
}
