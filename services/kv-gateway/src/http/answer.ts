import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { utf8 } from "@quorate/base";
import { answerJson, CORS_HEADERS } from "@quorate/probes";
import type { ClientStatus } from "../grpc/status";

/** HTTP's status for each code of gRPC, by its number (grpc-gateway: runtime/errors.go). */
const HTTP_STATUS = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
] as const;

export function httpStatusOf({ code }: ClientStatus): number {
  return HTTP_STATUS[code] ?? 500;
}

/**
 * Sends an error as both generations of etcd's gateway show it: up to 3.5 clients read `error`, later ones `message` and
 * `code`.
 */
export function answerError(
  response: ServerResponse,
  status: ClientStatus,
  headers?: OutgoingHttpHeaders,
  httpStatus = httpStatusOf(status),
): void {
  const { code, message } = status;
  const body = { error: message, code, message, details: [] };
  answerJson(response, httpStatus, utf8(JSON.stringify(body)), headers);
}

/** Begins an answer whose end is not known yet. */
export function beginStream(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...CORS_HEADERS, "Content-Type": "application/json" });
}
