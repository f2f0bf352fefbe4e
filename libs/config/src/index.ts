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
export { decimal, integer, listOf, matching, onOrOff, oneOf, port, text } from "./schemas";
export { processName, BROKER_OPTIONS, SERVICE_OPTIONS } from "./service-options";
