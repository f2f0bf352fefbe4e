import { optionsOfProcess } from "@quorate/config";
import { createLogger, startTracing } from "@quorate/telemetry";
import { NodeProcess } from "./node-process";
import { parseNodeOptions } from "./options";
import { PRODUCT_VERSION } from "./version";

const options = optionsOfProcess(parseNodeOptions);
const logger = createLogger({ service: "raft-node", name: options.name, level: options.logLevel });
const tracing = startTracing(
  { service: "quorate-raft-node", instance: options.name, version: PRODUCT_VERSION },
  process.env,
);

void new NodeProcess(options, { logger, tracing }).run();
