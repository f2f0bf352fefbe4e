import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { utf8 } from "@quorate/base";
import { parseListenUrl } from "@quorate/config";
import { METRICS_CONTENT_TYPE, MetricRegistry, registerProcessMetrics } from "@quorate/telemetry";
import { answer, answerText, type HttpHandler } from "./answer";
import type { HealthCheck } from "./health-check";
import { ListenError } from "./listen-error";
import { healthPage, probePages, runChecks } from "./probe-pages";

export interface PageServerOptions {
  /** `http://HOST:PORT` each; port 0 takes a free one. None: nothing is served. */
  readonly urls: readonly string[];
}

export interface PageServerDependencies {
  readonly ready: readonly HealthCheck[];
}

/** Only machines come here, and ask for little. */
const HEADERS_MS = 10_000;
const CONNECTIONS_MAX = 256;

/**
 * `/livez`, `/readyz`, `/health` and `/metrics` of a process that serves nothing else over HTTP. It is alive as long as it answers:
 * whatever else may be wrong, starting it again does not make it better.
 */
export class PageServer implements AsyncDisposable {
  readonly #servers: Server[] = [];

  private constructor(private readonly pages: ReadonlyMap<string, HttpHandler>) {}

  /** @throws {ListenError} an address is taken. */
  static async listen({ urls }: PageServerOptions, { ready }: PageServerDependencies): Promise<PageServer> {
    const registry = new MetricRegistry();
    registerProcessMetrics(registry);
    const server = new PageServer(
      new Map([
        healthPage(registry, (_query, tell) =>
          runChecks(ready, (faults) => tell(faults.find((fault) => fault !== undefined))),
        ),
        ...probePages("livez", [], registry),
        ...probePages("readyz", ready, registry),
        [
          "/metrics",
          (_request, response) => answer(response, 200, METRICS_CONTENT_TYPE, utf8(registry.text())),
        ],
      ]),
    );
    try {
      for (const url of urls) await server.#listen(url);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** The ports that were really taken. */
  get ports(): readonly number[] {
    return this.#servers.map((server) => (server.address() as AddressInfo).port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  }

  async #listen(url: string): Promise<void> {
    const { host, port } = parseListenUrl(url);
    const server = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS },
      (request, response) => {
        const page = this.pages.get((request.url ?? "").split("?")[0]!);
        if (page === undefined) return answerText(response, 404, "404 page not found\n");
        if (request.method === "GET") return page(request, response);
        answerText(response, 405, "Method Not Allowed\n", { Allow: "GET" });
      },
    );
    server.maxConnections = CONNECTIONS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(new ListenError(`${host}:${port}`, { cause })));
      server.listen({ host, port }, resolve);
    });
    this.#servers.push(server);
  }
}
