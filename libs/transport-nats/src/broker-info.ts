import { connect } from "node:net";
import { BrokerUnreachableError } from "./errors";

/** What a broker says of itself before anybody has logged in. */
export interface BrokerInfo {
  readonly id: string;
  readonly version: string;
  /** Name of the cluster of brokers that it belongs to; `undefined`: it is alone. */
  readonly cluster: string | undefined;
  /** Of the brokers of that cluster that it is connected to, itself included. */
  readonly others: readonly string[];
  /** Bytes of the largest message. */
  readonly payloadBytesMax: number;
  readonly isLameDuck: boolean;
}

/** The line is below 32 KiB even with hundreds of brokers in it. */
const LINE_BYTES_MAX = 64 * 1024;
const DEFAULT_PORT = 4222;

/**
 * Asks a broker what it is, without logging in.
 *
 * @param url `nats://HOST:PORT`, as services are given it.
 * @throws {BrokerUnreachableError} nobody answers there within `timeoutMs`, or somebody who is no broker.
 */
export function askBroker(url: string, timeoutMs: number): Promise<BrokerInfo> {
  const { hostname, port } = new URL(/^[a-z]+:\/\//.test(url) ? url : `nats://${url}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || DEFAULT_PORT) });
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new BrokerUnreachableError([withoutLogin(url)], timeoutMs, { cause }));
    };
    const timer = setTimeout(() => fail(new Error("no answer")), timeoutMs);
    let received = "";
    socket.on("error", fail).on("end", () => fail(new Error("it hung up")));
    socket.setEncoding("utf8").on("data", (text: string) => {
      received += text;
      const end = received.indexOf("\r\n");
      if (end < 0 && received.length < LINE_BYTES_MAX) return;
      try {
        const info = infoOf(received.slice(0, end));
        clearTimeout(timer);
        socket.destroy();
        resolve(info);
      } catch (error) {
        fail(error);
      }
    });
  });
}

/**
 * How many brokers there are behind addresses that may be of the same one. Each of a cluster has others, also those that are down now.
 *
 * @returns `undefined` if none answers.
 */
export async function independentBrokers(
  urls: readonly string[],
  timeoutMs: number,
): Promise<number | undefined> {
  const answers = await Promise.all(urls.map((url) => askBroker(url, timeoutMs).catch(() => undefined)));
  const known = answers.filter((answer) => answer !== undefined);
  if (known.length === 0) return undefined;
  if (known.some(({ cluster }) => cluster !== undefined)) return Math.max(2, known.length);
  return new Set(known.map(({ id }) => id)).size;
}

function infoOf(line: string): BrokerInfo {
  if (!line.startsWith("INFO ")) throw new Error("it is no NATS server");
  const info = JSON.parse(line.slice(5)) as Readonly<Record<string, unknown>>;
  const { server_id: id, version, cluster, connect_urls: others, max_payload: payloadBytesMax } = info;
  return {
    id: typeof id === "string" ? id : "",
    version: typeof version === "string" ? version : "",
    cluster: typeof cluster === "string" ? cluster : undefined,
    others: Array.isArray(others) ? others.map(String) : [],
    payloadBytesMax: typeof payloadBytesMax === "number" ? payloadBytesMax : 0,
    isLameDuck: info.ldm === true,
  };
}

function withoutLogin(url: string): string {
  return url.replace(/^([a-z]+:\/\/)?[^@/]*@/, "$1");
}
