import { resolve } from "node:path";
import { QuorateClient } from "@quorate/client";
import { BrokerAccessError } from "@quorate/transport-nats";
import { CommandError, messageOf, usageError } from "../command-error";
import { readClusterFile } from "../dev/cluster-file";
import { DATA_DIR_DEFAULT } from "../dev/dev-options";

export interface ConnectionFlags {
  readonly natsUrl?: string;
  readonly cluster?: string;
  readonly dataDir?: string;
  readonly timeout?: string;
  readonly brokerCredentials?: string;
  readonly brokerTrustedCaFile?: string;
  readonly brokerCertFile?: string;
  readonly brokerKeyFile?: string;
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
 * development cluster of `--data-dir` says about itself. The variables that services read stand for the flags where no
 * `--data-dir` is given.
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
  await using client = await connect(servers, cluster, timeoutMs, flags);
  return await work(client, {
    servers: servers.split(","),
    isDevelopment: flags.natsUrl === undefined && running !== undefined,
  });
}

/** As all services read these variables. */
function connectionOf(env: NodeJS.ProcessEnv): ConnectionFlags {
  const variables: Readonly<Record<string, string>> = {
    natsUrl: "QUORATE_NATS_URL",
    cluster: "QUORATE_CLUSTER",
    brokerCredentials: "QUORATE_BROKER_CREDENTIALS",
    brokerTrustedCaFile: "QUORATE_BROKER_TRUSTED_CA_FILE",
    brokerCertFile: "QUORATE_BROKER_CERT_FILE",
    brokerKeyFile: "QUORATE_BROKER_KEY_FILE",
  };
  return Object.fromEntries(
    Object.entries(variables).flatMap(([flag, variable]) => (env[variable] ? [[flag, env[variable]]] : [])),
  );
}

async function connect(
  servers: string,
  cluster: string,
  timeoutMs: number,
  { brokerCredentials, brokerTrustedCaFile, brokerCertFile, brokerKeyFile }: ConnectionFlags,
): Promise<QuorateClient> {
  try {
    return await QuorateClient.connect({
      servers: servers.split(","),
      cluster,
      name: "quorate-cli",
      timeoutMs,
      ...(brokerCredentials !== undefined && { credentialsFile: brokerCredentials }),
      tls: {
        ...(brokerTrustedCaFile !== undefined && { trustedCaFile: brokerTrustedCaFile }),
        ...(brokerCertFile !== undefined && { certFile: brokerCertFile }),
        ...(brokerKeyFile !== undefined && { keyFile: brokerKeyFile }),
      },
      onDenied: (subject) =>
        console.error(`The broker does not let this user use ${subject}: give other --broker-credentials.`),
    });
  } catch (cause) {
    if (cause instanceof BrokerAccessError) throw new CommandError(`${cause.message}.`, 2, { cause });
    const message = `Cannot reach the broker at ${withoutLogin(servers)}: ${messageOf(cause)}. Is the cluster running (\`npm start\`)?`;
    throw new CommandError(message, 1, { cause });
  }
}

function withoutLogin(urls: string): string {
  return urls.replaceAll(/[^@/,]*@/g, "");
}

function timeoutOf({ timeout }: ConnectionFlags): number {
  const seconds = timeout === undefined ? TIMEOUT_SECONDS : Number(timeout.replace(/s$/, ""));
  if (!(seconds > 0)) throw usageError(`--timeout "${timeout ?? ""}" is not a number of seconds.`);
  return seconds * 1000;
}
