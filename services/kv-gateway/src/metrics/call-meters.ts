import { rpcSchemaOf, type RpcSchema } from "@quorate/wire";
import { CallMeter, type CallMeterDependencies } from "./call-meter";

/** As go-grpc-prometheus names them: what etcd's dashboards and alerts ask for. */
const RPC_NAMES = { prefix: "grpc_server", codeLabel: "grpc_code" };
const NATS_NAMES = { prefix: "quorate_nats", codeLabel: "code" };

/** The meters of a gateway, one per method. HTTP/JSON counts with gRPC, as in etcd, where one leads through the other. */
export class CallMeters {
  readonly #rpcs = new Map<string, CallMeter>();

  constructor(private readonly dependencies: CallMeterDependencies) {}

  /** @param name `etcdserverpb.KV/Range` */
  ofRpc(name: string): CallMeter {
    let meter = this.#rpcs.get(name);
    if (meter === undefined) {
      const [service = "", method = ""] = name.split("/");
      const labels = { grpc_type: typeOf(rpcSchemaOf(name)), grpc_service: service, grpc_method: method };
      meter = new CallMeter(RPC_NAMES, labels, this.dependencies);
      this.#rpcs.set(name, meter);
    }
    return meter;
  }

  /** To be asked once per method. */
  ofNats(service: string, method: string): CallMeter {
    return new CallMeter(NATS_NAMES, { service, method }, this.dependencies);
  }
}

function typeOf({ requestStream, responseStream }: RpcSchema): string {
  if (!responseStream) return requestStream ? "client_stream" : "unary";
  return requestStream ? "bidi_stream" : "server_stream";
}
