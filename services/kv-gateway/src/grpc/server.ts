import type { Duplex } from "node:stream";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ConnectionInjector,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { releasingSentAnswers } from "./sent-answers";
import { RECEIVE_BYTES_MAX } from "./unary";

/**
 * What the library takes off the wire at the most. It is above our own limit (see `unary.ts`), because beyond this one the
 * client is refused in the library's words, which are not those of etcd.
 */
const LIBRARY_RECEIVE_BYTES_MAX = 4 * RECEIVE_BYTES_MAX;

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/**
 * The gRPC door. It listens on nothing itself: connections that speak HTTP/2 are handed to it. Methods of services that
 * are not given are answered UNIMPLEMENTED.
 */
export class GrpcServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections: ConnectionInjector;

  constructor(services: readonly GrpcService[]) {
    setLogVerbosity(logVerbosity.NONE); // it prints to standard error what it also returns
    this.#server = new Server({
      interceptors: [releasingSentAnswers],
      "grpc.max_receive_message_length": LIBRARY_RECEIVE_BYTES_MAX,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": 0xffff_ffff,
      // As etcd: a connection that is quiet for two hours is probed, and dropped if that stays unanswered.
      "grpc.keepalive_time_ms": 2 * 60 * 60 * 1000,
      "grpc.keepalive_timeout_ms": 20_000,
      // Its bookkeeping costs on every call, and nothing here reads it.
      "grpc.enable_channelz": 0,
    });
    for (const { definition, implementation } of services)
      this.#server.addService(definition, implementation);
    // Encryption is the port's business: what arrives here is plain, or a TLS connection already set up.
    this.#connections = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  /** Serves a connection, which is this server's from now on. */
  take(socket: Duplex): void {
    this.#connections.injectConnection(socket);
  }

  /** Takes no more calls, lets those that run end for up to `graceMs`, then breaks off. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }
}
