import { tmpdir } from "node:os";
import {
  defineOptions,
  integer,
  listenUrl,
  listOf,
  matching,
  oneOf,
  processName,
  SERVICE_OPTIONS,
} from "@quorate/config";
import { checkTlsSettings, TLS_SETTINGS } from "./client-port/tls-settings";
import { SERVICE_VERSION } from "./version";

/** What `main.ts` understands: flags, or `QUORATE_…` in the environment. */
export const parseGatewayOptions = defineOptions({
  name: "quorate-kv-gateway",
  description: "Serves the key-value API of a Quorate cluster over gRPC and HTTP/JSON (as etcd v3) and NATS.",
  version: SERVICE_VERSION,
  options: {
    name: processName("kv-gateway"),
    ...SERVICE_OPTIONS,
    listenClientUrl: {
      schema: listOf(listenUrl),
      description: "where etcd clients connect",
      default: ["http://127.0.0.1:2379"],
    },
    listenMetricsUrl: {
      schema: listOf(listenUrl).optional(),
      description: "where the pages for metrics and health are served as well, and nothing else",
    },
    ...TLS_SETTINGS,
    advertiseClientUrl: {
      schema: listOf(matching(/https?:\/\/\S+/, "a URL such as http://10.0.0.1:2379")),
      description: "what the home member's client URLs are told to be if its node names none",
      default: ["http://127.0.0.1:2379"],
    },
    homeMember: {
      schema: matching(/[0-9a-fA-F]{0,16}/, "up to 16 hexadecimal digits"),
      description: "the member this gateway stands for in Status, and asks first; empty: the leader",
      default: "",
    },
    requestTimeoutMs: {
      schema: integer(100, 600_000),
      description: "how long a request may take, in milliseconds, even if its caller would wait longer",
      default: 7000,
    },
    maxLearners: {
      schema: integer(1, 64),
      description: "learners that a cluster may have at once; one more is refused by MemberAdd",
      default: 1,
    },
    electionTimeoutMs: {
      schema: integer(10, 60_000),
      description: "the nodes' minimum election timeout; a deposed leader is given that long to answer",
      default: 1000,
    },
    readPreference: {
      schema: oneOf("spread", "leader"),
      description: "who is asked for linearizable reads: all members in turn, or the leader",
      default: "spread",
    },
    writeBatchesInFlight: {
      schema: integer(1, 64),
      description: "batches of writes that wait for the leader at once",
      default: 2,
    },
    readBatchesInFlight: {
      schema: integer(1, 64),
      description: "batches of reads that wait for an answer at once",
      default: 4,
    },
    queueCallsMax: {
      schema: integer(1, 1_000_000),
      description: "requests of a kind that may wait; more are answered 'too many requests'",
      default: 20_000,
    },
    queueBytesMax: {
      schema: integer(2 * 1024 * 1024, Number.MAX_SAFE_INTEGER),
      description: "bytes of requests of a kind that may wait; likewise",
      default: 128 * 1024 * 1024,
    },
    largeAnswerBytesMax: {
      schema: integer(1024 * 1024, Number.MAX_SAFE_INTEGER),
      description:
        "bytes of answers to Range above about 2 MiB that are put together, or on their way to clients, at once; such an answer " +
        "takes up to twice its size in memory, and waits for others",
      default: 512 * 1024 * 1024,
    },
    watchProgressNotifyMs: {
      schema: integer(100, 86_400_000),
      description: "how often watchers that asked for it are told of progress, in milliseconds",
      default: 600_000,
    },
    watchStreamWindowBytes: {
      schema: integer(64 * 1024, 16 * 1024 * 1024),
      description: "bytes of events that may be under way to one watch stream, or wait for its client",
      default: 1024 * 1024,
    },
    watchStreamWatchersMax: {
      schema: integer(1, 10_000_000),
      description: "watchers that one watch stream may have; clients share a stream among all of a process",
      default: 100_000,
    },
    shutdownDelayMs: {
      schema: integer(0, 600_000),
      description:
        "how long everything is still served after SIGTERM, in milliseconds, while /readyz and grpc.health.v1 say that this process " +
        "ends: the time that load balancers have to send clients elsewhere",
      default: 1000,
    },
    spoolDirectory: {
      schema: matching(/.+/, "a path"),
      description:
        "where Maintenance.Snapshot puts a snapshot together before it is sent: takes up to twice the size of the state meanwhile",
      default: tmpdir(),
    },
    shutdownGraceMs: {
      schema: integer(0, 600_000),
      description: "how long running requests may go on after SIGTERM, in milliseconds",
      default: 3000,
    },
  },
  check: (options) =>
    checkTlsSettings(options, [...options.listenClientUrl, ...(options.listenMetricsUrl ?? [])]),
});

export type GatewayProcessOptions = ReturnType<typeof parseGatewayOptions>;
