import { optionsOfProcess } from "@quorate/config";
import { runStateless } from "@quorate/telemetry";
import { parseFanoutOptions } from "./options";
import { SERVICE_VERSION } from "./version";
import { startFanout } from "./wiring";

const options = optionsOfProcess(parseFanoutOptions);

runStateless(
  { ...options, service: "quorate-watch-fanout", version: SERVICE_VERSION },
  async (environment) => {
    const fanout = await startFanout(options, environment);
    environment.logger.info("up", { cluster: options.cluster });
    return fanout;
  },
);
