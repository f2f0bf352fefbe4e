import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { utf8 } from "@quorate/base";

/** Answers the requests of one path. The answer may come later; it is one even if the request makes no sense. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Every origin may call, as in etcd unless it is told otherwise. */
export const CORS_HEADERS: OutgoingHttpHeaders = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
  "Access-Control-Allow-Headers": "accept, content-type, authorization",
};

/** Sends a whole answer. */
export function answer(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): void {
  const own = { "Content-Type": contentType, "Content-Length": body.length };
  response.writeHead(status, { ...CORS_HEADERS, ...own, ...headers });
  response.end(body);
}

export function answerJson(
  response: ServerResponse,
  status: number,
  json: Uint8Array,
  headers?: OutgoingHttpHeaders,
): void {
  answer(response, status, "application/json", json, headers);
}

export function answerText(
  response: ServerResponse,
  status: number,
  text: string,
  headers?: OutgoingHttpHeaders,
): void {
  answer(response, status, "text/plain; charset=utf-8", utf8(text), headers);
}

export function queryOf({ url }: IncomingMessage): URLSearchParams {
  return new URLSearchParams((url ?? "").split("?")[1]);
}
