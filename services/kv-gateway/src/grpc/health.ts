import type {
  handleServerStreamingCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { grpc } from "@quorate/wire";
import { GrpcCode } from "./status";
import { rawMethod, type RawHandler } from "./unary";

const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1;
const { ServingStatus } = HealthCheckResponse;

/**
 * `grpc.health.v1.Health`. Only the empty service name is known, as in etcd: it speaks for this process, not for the
 * cluster, since a load balancer that drops every gateway while there is no leader would cut off stale reads as well.
 */
export class HealthService {
  readonly #watchers = new Set<ServerWritableStream<Uint8Array, Uint8Array>>();
  #serving = true;

  readonly definition: ServiceDefinition = {
    Check: rawMethod("/grpc.health.v1.Health/Check", false),
    Watch: rawMethod("/grpc.health.v1.Health/Watch", true),
  };

  readonly implementation: UntypedServiceImplementation;

  constructor() {
    const check: RawHandler = (call, callback) => {
      if (serviceNameOf(call.request) === "") callback(null, this.#response());
      else callback({ code: GrpcCode.NOT_FOUND, details: "unknown service" });
    };
    const watch: handleServerStreamingCall<Uint8Array, Uint8Array> = (call) => this.#watch(call);
    this.implementation = { Check: check, Watch: watch };
  }

  /** Tells watchers that this process stops serving, and ends their streams, which would hold up the server's end. */
  stop(): void {
    this.#serving = false;
    for (const watcher of this.#watchers) {
      watcher.write(this.#response());
      watcher.end();
    }
    this.#watchers.clear();
  }

  #watch(call: ServerWritableStream<Uint8Array, Uint8Array>): void {
    if (serviceNameOf(call.request) !== "") {
      // The protocol wants the stream to stay open, in case the service appears later. None will.
      call.write(encodeStatus(ServingStatus.SERVICE_UNKNOWN));
    } else {
      call.write(this.#response());
      if (!this.#serving) return void call.end();
    }
    this.#watchers.add(call);
    call.on("cancelled", () => this.#watchers.delete(call));
  }

  #response(): Uint8Array {
    return encodeStatus(this.#serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }
}

function encodeStatus(status: grpc.health.v1.HealthCheckResponse.ServingStatus): Uint8Array {
  return HealthCheckResponse.encode({ status }).finish();
}

/** `undefined` if the request cannot be read. */
function serviceNameOf(request: Uint8Array): string | undefined {
  try {
    return HealthCheckRequest.decode(request).service;
  } catch {
    return undefined;
  }
}
