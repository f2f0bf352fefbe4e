import { defineOptions, integer, listOf, matching, oneOf } from "@quorate/config";
import { SERVICE_VERSION } from "./version";

/** What `main.ts` understands: flags, or `QUORATE_…` in the environment. */
export const parseFanoutOptions = defineOptions({
  name: "quorate-watch-fanout",
  description: "Delivers the changes of a Quorate cluster to those who watch them.",
  version: SERVICE_VERSION,
  options: {
    name: {
      schema: matching(/[A-Za-z0-9_.-]{1,64}/, "1 to 64 letters, digits, '_', '.' or '-'"),
      description: "what this process is called in logs and by the broker",
      default: "watch-fanout",
    },
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
    windowBytesMax: {
      schema: integer(64 * 1024, Number.MAX_SAFE_INTEGER),
      description:
        "bytes of recent events kept in memory; watchers further behind are served from a node's history",
      default: 32 * 1024 * 1024,
    },
    streamsMax: {
      schema: integer(1, 10_000_000),
      description: "watch streams served at once; more are refused",
      default: 100_000,
    },
    eventSubjects: {
      schema: oneOf("on", "off"),
      description:
        "whether every change is also published as a plain message on quorate.<cluster>.event.>; one of the processes with " +
        "'on' does it, and the broker carries each change once more, whether anybody listens or not",
      default: "off",
    },
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
  },
});

export type FanoutProcessOptions = ReturnType<typeof parseFanoutOptions>;
