import type { z } from "zod";
import type { OptionDefinition } from "./define-options";
import { plainListenUrl } from "./listen-url";
import { integer, listOf, matching, oneOf, text } from "./schemas";

/** How a service logs in to the brokers, beside a user and password in their URLs. */
export const BROKER_OPTIONS = {
  brokerCredentials: {
    schema: text().optional(),
    description:
      "file with this process's secret for the brokers: the seed of an nkey, as quorate broker-config writes it, or an nsc creds file",
  },
  brokerTrustedCaFile: {
    schema: text().optional(),
    description: "who signs the brokers' certificates, as PEM, for tls:// or brokers that demand it",
  },
  brokerCertFile: {
    schema: text().optional(),
    description: "certificate of this process for brokers that ask for one, as PEM",
  },
  brokerKeyFile: { schema: text().optional(), description: "its key" },
} as const;

/** What every service is told about where it belongs; meant to be spread into its own options. */
export const SERVICE_OPTIONS = {
  cluster: {
    schema: matching(/[A-Za-z0-9_-]{1,64}/, "1 to 64 letters, digits, '_' or '-'"),
    description: "the cluster to serve; part of every subject",
    default: "default",
  },
  natsUrl: {
    schema: listOf(
      matching(/(nats:\/\/|tls:\/\/)?[^\s,/]+/, "a broker address such as nats://127.0.0.1:4222"),
    ),
    description: "the brokers",
    default: ["nats://127.0.0.1:4222"],
  },
  ...BROKER_OPTIONS,
  brokerWaitMs: {
    schema: integer(0, 86_400_000),
    description: "how long to try to reach a broker at the start, in milliseconds",
    default: 30_000,
  },
  logLevel: {
    schema: oneOf("trace", "debug", "info", "warn", "error"),
    description: "least severe lines that are logged",
    default: "info",
  },
} as const;

/** Of services that serve nothing but their pages over HTTP. */
export const PROBE_OPTIONS = {
  listenMetricsUrl: {
    schema: listOf(plainListenUrl).optional(),
    description: "where /livez, /readyz, /health and /metrics are served; nowhere unless given",
  },
} as const;

/** @param byDefault The service's own name. */
export function processName(byDefault: string): OptionDefinition<z.ZodType<string>> {
  return {
    schema: matching(/[A-Za-z0-9_.-]{1,64}/, "1 to 64 letters, digits, '_', '.' or '-'"),
    description: "what this process is called in logs and by the broker",
    default: byDefault,
  };
}
