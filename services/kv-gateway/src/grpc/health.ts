import { grpc } from "@quorate/wire";
import type { ApiMethod } from "../api/api-method";
import type { ApiMethods } from "../api/methods";
import { definite } from "../api/request-failure";
import type { StreamMethod, StreamSink } from "../api/stream-method";

const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1;
const { ServingStatus } = HealthCheckResponse;

/**
 * `grpc.health.v1.Health`. Only the empty service name is known, as in etcd: it speaks for this process, not for the
 * cluster, since a load balancer that drops every gateway while there is no leader would cut off stale reads as well.
 */
export class HealthService {
  readonly #watchers = new Set<StreamSink>();
  #serving = true;

  get methods(): ApiMethods {
    return {
      unary: { "grpc.health.v1.Health/Check": this.#check },
      streams: { "grpc.health.v1.Health/Watch": this.#watch },
    };
  }

  /** Tells watchers that this process stops serving, and ends their streams, which would hold up the server's end. */
  stop(): void {
    this.#serving = false;
    for (const watcher of this.#watchers) {
      watcher.send(this.#response());
      watcher.end();
    }
    this.#watchers.clear();
  }

  readonly #check: ApiMethod = (request, _context, reply) => {
    if (serviceNameOf(request) === "") reply({ kind: "ok", bytes: this.#response() });
    else reply({ kind: "failed", failure: definite("unknown-service") });
    return undefined;
  };

  readonly #watch: StreamMethod = (_context, sink) => ({
    receive: (request) => {
      // The protocol wants the stream to stay open, in case the service appears later. None will.
      if (serviceNameOf(request) !== "") sink.send(encodeStatus(ServingStatus.SERVICE_UNKNOWN));
      else {
        sink.send(this.#response());
        if (!this.#serving) return sink.end();
      }
      this.#watchers.add(sink);
    },
    endOfRequests: () => undefined,
    drained: () => undefined,
    cancel: () => void this.#watchers.delete(sink),
  });

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
