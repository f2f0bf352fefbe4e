export { Fanout, type FanoutDependencies, type FanoutOptions } from "./fanout";
