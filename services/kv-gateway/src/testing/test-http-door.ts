import { systemClock, systemScheduler } from "@quorate/actor";
import { StopNotice } from "@quorate/probes";
import { MetricRegistry } from "@quorate/telemetry";
import { apiMethods } from "../api/methods";
import type { StreamMethod } from "../api/stream-method";
import type { ClientPort } from "../client-port/client-port";
import { GrpcServer } from "../grpc/server";
import { httpDoors } from "../http/http-door";
import type { HttpServer } from "../http/http-server";
import { CallMeters } from "../metrics/call-meters";
import { memberId } from "./bench";
import { RawConnection } from "./http-client";
import { testGateway, type TestGateway } from "./test-gateway";
import { testPort } from "./test-port";

const BYTES_MAX = 4 * 1024 * 1024;

/** How long a door waits for its clients, in milliseconds. */
export interface Patience {
  readonly bodyMs: number;
  readonly headersMs: number;
}

/** Long, so that no busy machine is taken for a slow client. */
const PATIENT: Patience = { bodyMs: 60_000, headersMs: 60_000 };
/** So that specs can see it pass. */
export const HURRIED: Patience = { bodyMs: 200, headersMs: 100 };

/**
 * A real client port with both its servers, and real sockets; only the nodes behind the gateway are scripted. The first of
 * them leads.
 */
export class TestHttpDoor implements AsyncDisposable {
  readonly parts: TestGateway = testGateway({ clock: systemClock, scheduler: systemScheduler });
  /** What is wrong with the member that runs in the same process. */
  memberFault: string | undefined;
  /** Methods of which a call failed. */
  readonly failures: string[] = [];
  readonly http: HttpServer;
  readonly stopNotice = new StopNotice();
  readonly #grpc: GrpcServer;
  readonly #connections: RawConnection[] = [];
  #port: ClientPort | undefined;

  private constructor(streams: Readonly<Record<string, StreamMethod>>, { bodyMs, headersMs }: Patience) {
    const { gateway } = this.parts;
    const registry = new MetricRegistry();
    const meters = new CallMeters({ registry, clock: systemClock });
    const failed = (method: string): void => void this.failures.push(method);
    const all = apiMethods(gateway);
    const methods = { ...all, streams: { ...all.streams, ...streams } };
    this.http = httpDoors(
      { homeMember: memberId(1), limits: { bytesMax: BYTES_MAX, timeoutMs: bodyMs }, headersMs },
      {
        gateway,
        registry,
        meters,
        failed,
        methods,
        transport: this.parts.transport,
        stopNotice: this.stopNotice,
        memberChecks: [{ name: "caught_up", run: (verdict) => verdict(this.memberFault) }],
      },
    ).http;
    this.#grpc = new GrpcServer({}, { methods, clock: systemClock, meters, failed });
  }

  static async start(
    streams: Readonly<Record<string, StreamMethod>> = {},
    patience = PATIENT,
  ): Promise<TestHttpDoor> {
    const door = new TestHttpDoor(streams, patience);
    door.#port = await testPort({
      http1: (socket) => door.http.take(socket),
      http2: (socket) => door.#grpc.take(socket),
    });
    await door.leads(5);
    return door;
  }

  get port(): number {
    return this.#port?.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The first node leads from here on, and the gateway has heard of it. */
  leads(term: number): Promise<void> {
    return this.#heard(() => this.parts.nodes[0].leads(term));
  }

  /** No node leads any more, and the gateway has heard of it. */
  losesLeader(term: number): Promise<void> {
    return this.#heard(() => this.parts.nodes[0].follows(undefined, term));
  }

  /** A connection to write to by hand. */
  connection(): RawConnection {
    const connection = new RawConnection(this.port);
    this.#connections.push(connection);
    return connection;
  }

  async post(
    path: string,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; json: unknown; headers: Headers }> {
    const response = await fetch(this.url + path, { method: "POST", body, headers });
    return { status: response.status, json: await response.json(), headers: response.headers };
  }

  async get(path: string): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(this.url + path);
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#connections) socket.destroy();
    this.#port?.stop();
    this.parts.gateway.close();
    await Promise.all([this.#grpc.stop(0), this.http.stop(0)]);
    await this.parts.transport[Symbol.asyncDispose]();
    for (const node of this.parts.nodes) await node.disconnect();
  }

  async #heard(change: () => void): Promise<void> {
    const { tracker } = this.parts.gateway;
    await new Promise<void>((resolve) => {
      const news = tracker.onChange(() => {
        news.unsubscribe();
        resolve();
      });
      change();
    });
  }
}
