import type { IncomingHttpHeaders } from "node:http";
import type { CallContext } from "../api/api-method";

const MS_OF_UNIT: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * What a caller asks for in headers. grpc-gateway hands `Grpc-Timeout` and all that begins with `Grpc-Metadata-` on to
 * gRPC; of those this reads what gRPC callers may send here.
 *
 * @returns the text to refuse the call with, if a header makes no sense.
 */
export function contextOf(headers: IncomingHttpHeaders): CallContext | string {
  const timeoutMs = timeoutOf(headers["grpc-timeout"]);
  if (timeoutMs === undefined) return `invalid grpc-timeout: ${String(headers["grpc-timeout"])}`;
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

/** Milliseconds; Infinity if none is given, `undefined` if it cannot be read. */
function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return Infinity;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(single(header) ?? "") ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Number(digits) * MS_OF_UNIT[unit]!;
}

/** etcd takes a token with or without the word that HTTP wants before it. */
function tokenOf(authorization: string | undefined): string | undefined {
  const token = authorization?.replace(/^Bearer /, "");
  return token === "" ? undefined : token;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
