import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ListenError } from "./listen-error";
import { RECEIVE_BYTES_MAX } from "./unary";

/**
 * What the library takes off the wire at the most. It is above our own limit (see `unary.ts`), because beyond this one the
 * client is refused in the library's words, which are not those of etcd.
 */
const LIBRARY_RECEIVE_BYTES_MAX = 4 * RECEIVE_BYTES_MAX;

export interface GrpcServerOptions {
  /** Host and port to listen on; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
}

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** The gRPC door, plain text. Methods of services that are not given are answered UNIMPLEMENTED. */
export class GrpcServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(
    server: Server,
    /** Where it really listens. */
    readonly port: number,
  ) {
    this.#server = server;
  }

  /** @throws {ListenError} the address cannot be listened on. */
  static async listen(options: GrpcServerOptions, services: readonly GrpcService[]): Promise<GrpcServer> {
    setLogVerbosity(logVerbosity.NONE); // it prints to standard error what it also returns
    const server = new Server({
      "grpc.max_receive_message_length": LIBRARY_RECEIVE_BYTES_MAX,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": 0xffff_ffff,
      // As etcd: a connection that is quiet for two hours is probed, and dropped if that stays unanswered.
      "grpc.keepalive_time_ms": 2 * 60 * 60 * 1000,
      "grpc.keepalive_timeout_ms": 20_000,
      // Its bookkeeping costs on every call, and nothing here reads it.
      "grpc.enable_channelz": 0,
    });
    for (const { definition, implementation } of services) server.addService(definition, implementation);
    const address = addressOf(options);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new ListenError(address, { cause: error }));
      });
    });
    return new GrpcServer(server, port);
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

function addressOf({ host, port }: GrpcServerOptions): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
