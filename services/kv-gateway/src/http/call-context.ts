import type { IncomingHttpHeaders } from "node:http";
import type { CallContext } from "../api/api-method";
import { invalidTimeoutText, timeoutMsOf } from "../api/grpc-timeout";
import { tokenOf } from "../api/token";

/**
 * What a caller asks for in headers. grpc-gateway hands `Grpc-Timeout` and all that begins with `Grpc-Metadata-` on to
 * gRPC; of those this reads what gRPC callers may send here.
 *
 * @returns the text to refuse the call with, if a header makes no sense.
 */
export function contextOf(headers: IncomingHttpHeaders): CallContext | string {
  const timeout = single(headers["grpc-timeout"]);
  const timeoutMs = timeoutMsOf(timeout);
  if (timeoutMs === undefined) return invalidTimeoutText(timeout);
  const requireLeader = headers["grpc-metadata-hasleader"] === "true";
  const traceparent = single(headers["traceparent"] ?? headers["grpc-metadata-traceparent"]);
  const token = tokenOf(single(headers["grpc-metadata-token"]) ?? headers.authorization);
  return {
    timeoutMs,
    requireLeader,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(token === undefined ? {} : { token }),
  };
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
