import type { LoadOptions } from "../workloads/recorded-load";

/** What the program inside is told, as JSON. */
export interface InsideSettings extends LoadOptions {
  readonly gateways: readonly string[];
  readonly brokerUrls: readonly string[];
  readonly cluster: string;
  readonly timeoutMs: number;
  readonly seed: number;
}
