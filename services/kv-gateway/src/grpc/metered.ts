import {
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { CallMeter } from "../metrics/call-meter";
import type { CallMeters } from "../metrics/call-meters";
import type { GrpcService } from "./server";
import type { RawHandler } from "./unary";

/** The same service, with its unary calls counted. Streams count themselves: only they know what ends one. */
export function meteredService(service: GrpcService, meters: CallMeters): GrpcService {
  const implementation: UntypedServiceImplementation = { ...service.implementation };
  for (const [name, { path, requestStream, responseStream }] of Object.entries(service.definition)) {
    const handler = implementation[name];
    if (handler === undefined || requestStream || responseStream) continue;
    implementation[name] = meteredHandler(handler as RawHandler, meters.ofRpc(path.slice(1)));
  }
  return { definition: service.definition, implementation };
}

function meteredHandler(handler: RawHandler, meter: CallMeter): RawHandler {
  return (call: ServerUnaryCall<Uint8Array, Uint8Array>, callback: sendUnaryData<Uint8Array>): void => {
    const startedAt = meter.start();
    let open = true;
    const end = (code: number): void => {
      if (open) meter.end(startedAt, code);
      open = false;
    };
    call.on("cancelled", () => {
      const isLate = Date.now() >= Number(call.getDeadline());
      end(isLate ? status.DEADLINE_EXCEEDED : status.CANCELLED);
    });
    handler(call, (error, value, trailer, flags) => {
      end(error === null ? status.OK : (error.code ?? status.UNKNOWN));
      callback(error, value, trailer, flags);
    });
  };
}
