export { Fanout, type FanoutDependencies, type FanoutOptions } from "./fanout";
export { parseFanoutOptions, type FanoutProcessOptions } from "./options";
export { startFanout, type RunningFanout } from "./wiring";
