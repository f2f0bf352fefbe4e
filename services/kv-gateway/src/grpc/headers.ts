import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import type { CallContext } from "../api/api-method";
import { invalidTimeoutText, timeoutMsOf } from "../api/grpc-timeout";
import { tokenOf } from "../api/token";
import { ACCEPTED_ENCODINGS } from "./messages";
import type { ClientStatus } from "./status";

const { HTTP2_HEADER_STATUS, HTTP2_HEADER_CONTENT_TYPE } = constants;

/** The largest message that clients of gRPC can be set to take; whether one is must be left to it. */
const SEND_BYTES_MAX = 2 ** 31 - 1;

/** What an answer begins with. Not to be changed: shared by all. */
export const RESPONSE_HEADERS: OutgoingHttpHeaders = {
  [HTTP2_HEADER_STATUS]: 200,
  [HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
  "grpc-accept-encoding": ACCEPTED_ENCODINGS,
};

/** What an answer ends with. */
export function trailersOf({ code, message }: ClientStatus): OutgoingHttpHeaders {
  return message === ""
    ? { "grpc-status": `${code}` }
    : { "grpc-status": `${code}`, "grpc-message": encodeStatusMessage(message) };
}

/** As gRPC wants it: printable ASCII stays, but for the percent sign; the rest are its UTF-8 bytes in hexadecimal. */
export function encodeStatusMessage(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^ -$&-~]+/gu, (part) =>
      Array.from(Buffer.from(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
        "",
      ),
    );
}

/** @returns the text to refuse the call with, if a header makes no sense. */
export function contextOf(headers: IncomingHttpHeaders): CallContext | string {
  const timeout = single(headers["grpc-timeout"]);
  const timeoutMs = timeoutMsOf(timeout);
  if (timeoutMs === undefined) return invalidTimeoutText(timeout);
  const requireLeader = headers["hasleader"] === "true";
  const traceparent = single(headers["traceparent"]);
  const answerBytesMax = SEND_BYTES_MAX;
  const token = tokenOf(single(headers["token"]) ?? headers.authorization);
  if (traceparent === undefined && token === undefined) return { timeoutMs, requireLeader, answerBytesMax };
  return {
    timeoutMs,
    requireLeader,
    answerBytesMax,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(token === undefined ? {} : { token }),
  };
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
