import {
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type MethodDefinition,
  type sendUnaryData,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import type { ApiMethod, CallContext } from "../api/api-method";
import { holdUntilSent } from "./sent-answers";
import { grpcStatusOf, type ClientStatus } from "./status";

/** etcd's largest request (1.5 MiB) and 512 KiB for what surrounds it; larger messages end in RESOURCE_EXHAUSTED. */
export const RECEIVE_BYTES_MAX = 2 * 1024 * 1024;

/** The largest message that clients of gRPC can be set to take; whether one is must be left to it. */
const SEND_BYTES_MAX = 2 ** 31 - 1;

/** In the words of grpc-go. */
export function tooLargeText(length: number): string {
  return `grpc: received message larger than max (${length} vs. ${RECEIVE_BYTES_MAX})`;
}

/** A method whose messages stay encoded: the API reads what it needs, and answers come encoded from a node. */
export type RawMethod = MethodDefinition<Uint8Array, Uint8Array>;
export type RawHandler = handleUnaryCall<Uint8Array, Uint8Array>;
export type RawStreamHandler = handleServerStreamingCall<Uint8Array, Uint8Array>;

export interface RawService {
  readonly definition: Record<string, RawMethod>;
  readonly implementation: Record<string, RawHandler | RawStreamHandler>;
}

/** Hears of every call that failed. */
export type FailureListener = (method: string, status: ClientStatus, unknownOutcome: boolean) => void;

/**
 * @param service The full name, `etcdserverpb.KV`.
 * @param methods By their names in the proto. Methods that are missing are answered UNIMPLEMENTED by the server.
 */
export function unaryService(
  service: string,
  methods: Readonly<Record<string, ApiMethod>>,
  failed: FailureListener,
): RawService {
  const definition: Record<string, RawMethod> = {};
  const implementation: Record<string, RawHandler> = {};
  for (const [name, method] of Object.entries(methods)) {
    definition[name] = rawMethod(`/${service}/${name}`, false);
    implementation[name] = unaryHandler(`${service}/${name}`, method, failed);
  }
  return { definition, implementation };
}

export function rawMethod(path: string, responseStream: boolean): RawMethod {
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: asBuffer,
    requestDeserialize: asIs,
    responseSerialize: asBuffer,
    responseDeserialize: asIs,
  };
}

function unaryHandler(name: string, method: ApiMethod, failed: FailureListener): RawHandler {
  return (call: ServerUnaryCall<Uint8Array, Uint8Array>, callback: sendUnaryData<Uint8Array>): void => {
    const { length } = call.request;
    if (length > RECEIVE_BYTES_MAX) {
      const details = tooLargeText(length);
      return callback({ code: status.RESOURCE_EXHAUSTED, details });
    }
    const pending = method(call.request, contextOf(call), (outcome) => {
      if (outcome.kind === "ok") {
        if (outcome.hold !== undefined) holdUntilSent(call, outcome.bytes, outcome.hold);
        return callback(null, outcome.bytes);
      }
      const { failure } = outcome;
      const { code, message } = grpcStatusOf(failure);
      failed(name, { code, message }, failure.unknownOutcome);
      callback({ code, details: message.toWellFormed() });
    });
    if (pending !== undefined) call.on("cancelled", () => pending.abandon());
  };
}

export function contextOf(
  call: Pick<ServerUnaryCall<unknown, unknown>, "metadata" | "getDeadline">,
): CallContext {
  const { metadata } = call;
  const timeoutMs = remainingMs(call.getDeadline());
  const requireLeader = firstOf(metadata, "hasleader") === "true";
  const traceparent = firstOf(metadata, "traceparent");
  const context = { timeoutMs, requireLeader, answerBytesMax: SEND_BYTES_MAX };
  return traceparent === undefined ? context : { ...context, traceparent };
}

/** The first value of a metadata key that is text. */
export function firstOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)[0];
  return typeof value === "string" ? value : undefined;
}

/** gRPC deadlines are wall-clock instants made from a duration on arrival; turned back into the duration at once. */
function remainingMs(deadline: Date | number): number {
  if (deadline === Infinity) return Infinity;
  return Math.max(0, Number(deadline) - Date.now());
}

function asIs(bytes: Buffer): Uint8Array {
  return bytes;
}

/** The same memory: grpc-js copies it into its frame before the callback returns. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
