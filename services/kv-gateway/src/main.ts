import { optionsOfProcess } from "@quorate/config";
import { runStateless } from "@quorate/telemetry";
import { parseGatewayOptions } from "./options";
import { SERVICE_VERSION } from "./version";
import { startGateway } from "./wiring";

const options = optionsOfProcess(parseGatewayOptions);

runStateless({ ...options, service: "quorate-kv-gateway", version: SERVICE_VERSION }, async (environment) => {
  const gateway = await startGateway(options, environment);
  environment.logger.info("serving client requests", { urls: gateway.clientUrls, cluster: options.cluster });
  return gateway;
});
