import { defineOptions, integer, oneOf, PROBE_OPTIONS, processName, SERVICE_OPTIONS } from "@quorate/config";
import { SERVICE_VERSION } from "./version";

/** What `main.ts` understands: flags, or `QUORATE_…` in the environment. */
export const parseFanoutOptions = defineOptions({
  name: "quorate-watch-fanout",
  description: "Delivers the changes of a Quorate cluster to those who watch them.",
  version: SERVICE_VERSION,
  options: {
    name: processName("watch-fanout"),
    ...SERVICE_OPTIONS,
    ...PROBE_OPTIONS,
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
  },
});

export type FanoutProcessOptions = ReturnType<typeof parseFanoutOptions>;
