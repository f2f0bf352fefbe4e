import { resolve } from "node:path";
import { QuorateClient } from "@quorate/client";
import { CommandError, messageOf, usageError } from "../command-error";
import { readClusterFile } from "../dev/cluster-file";
import { DATA_DIR_DEFAULT } from "../dev/dev-options";

export interface ConnectionFlags {
  readonly natsUrl?: string;
  readonly cluster?: string;
  readonly dataDir?: string;
  readonly timeout?: string;
}

/** How the cluster was reached. */
export interface Reached {
  readonly servers: readonly string[];
  /** Of `quorate dev`. */
  readonly isDevelopment: boolean;
}

const TIMEOUT_SECONDS = 5;

/**
 * Runs `work` with a client of the cluster that the flags name: by `--nats-url` and `--cluster`, else by what the
 * development cluster of `--data-dir` says about itself. QUORATE_NATS_URL and QUORATE_CLUSTER stand for the first two where
 * no `--data-dir` is given.
 *
 * @throws {CommandError} It cannot be reached, or `work` failed.
 */
export async function withClient<T>(
  given: ConnectionFlags,
  work: (client: QuorateClient, reached: Reached) => Promise<T>,
): Promise<T> {
  const flags = given.dataDir === undefined ? { ...connectionOf(process.env), ...given } : given;
  const timeoutMs = timeoutOf(flags);
  const dataDir = resolve(flags.dataDir ?? DATA_DIR_DEFAULT);
  const running =
    flags.natsUrl !== undefined && flags.cluster !== undefined ? undefined : readClusterFile(dataDir);
  if (flags.dataDir !== undefined && running === undefined && flags.natsUrl === undefined) {
    throw new CommandError(
      `No development cluster has run in ${dataDir}: name another --data-dir, or --nats-url.`,
    );
  }
  const servers = flags.natsUrl ?? running?.natsUrl ?? "nats://127.0.0.1:4222";
  const cluster = flags.cluster ?? running?.cluster ?? "dev";
  await using client = await connect(servers, cluster, timeoutMs);
  return await work(client, {
    servers: servers.split(","),
    isDevelopment: flags.natsUrl === undefined && running !== undefined,
  });
}

/** As all services read these variables. */
function connectionOf({ QUORATE_NATS_URL, QUORATE_CLUSTER }: NodeJS.ProcessEnv): ConnectionFlags {
  return {
    ...(QUORATE_NATS_URL ? { natsUrl: QUORATE_NATS_URL } : {}),
    ...(QUORATE_CLUSTER ? { cluster: QUORATE_CLUSTER } : {}),
  };
}

async function connect(servers: string, cluster: string, timeoutMs: number): Promise<QuorateClient> {
  try {
    return await QuorateClient.connect({
      servers: servers.split(","),
      cluster,
      name: "quorate-cli",
      timeoutMs,
    });
  } catch (cause) {
    const message = `Cannot reach the broker at ${servers}: ${messageOf(cause)}. Is the cluster running (\`npm start\`)?`;
    throw new CommandError(message, 1, { cause });
  }
}

function timeoutOf({ timeout }: ConnectionFlags): number {
  const seconds = timeout === undefined ? TIMEOUT_SECONDS : Number(timeout.replace(/s$/, ""));
  if (!(seconds > 0)) throw usageError(`--timeout "${timeout ?? ""}" is not a number of seconds.`);
  return seconds * 1000;
}
