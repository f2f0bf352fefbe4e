export { brokerCountAdvice, voterCountAdvice, type Advice } from "./cluster-advice";
export { ConfigurationError, InformationRequest, type ConfigurationProblem } from "./configuration-error";
export {
  defineOptions,
  optionsOfProcess,
  type Environment,
  type OptionDefinition,
  type OptionDefinitions,
  type OptionsOf,
  type OptionsParser,
  type ProgramDefinition,
} from "./define-options";
export { parseDurationMs } from "./duration";
export { fileSystemAdvice, fileSystemOf, freeSpaceAdvice, mebibytes, type FileSystem } from "./file-system";
export { listenUrl, parseListenUrl, plainListenUrl, withPort, type ListenAddress } from "./listen-url";
export { decimal, integer, listOf, matching, onOrOff, oneOf, port, text } from "./schemas";
export { BROKER_OPTIONS, processName, PROBE_OPTIONS, SERVICE_OPTIONS } from "./service-options";
