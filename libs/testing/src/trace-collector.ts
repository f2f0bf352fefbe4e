import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Ids in hexadecimal; `parentId` is empty at the root. */
export interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
}

/** An OpenTelemetry collector for tests: keeps the bodies of all exports (OTLP, protobuf over HTTP). */
export class TraceCollector implements AsyncDisposable {
  readonly exports: Buffer[] = [];
  readonly paths: (string | undefined)[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.exports.push(Buffer.concat(chunks));
        this.paths.push(request.url);
        response.writeHead(200).end();
      });
    });
  }

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    collector.#server.listen(0, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every exported span, as ExportTraceServiceRequest holds them: resource spans, scope spans, spans. */
  get spans(): ExportedSpan[] {
    return this.exports
      .flatMap((body) => fieldsOf(body, 1))
      .flatMap((resourceSpans) => fieldsOf(resourceSpans, 2))
      .flatMap((scopeSpans) => fieldsOf(scopeSpans, 2))
      .map((span) => ({
        traceId: fieldsOf(span, 1)[0]?.toString("hex") ?? "",
        spanId: fieldsOf(span, 2)[0]?.toString("hex") ?? "",
        parentId: fieldsOf(span, 4)[0]?.toString("hex") ?? "",
        name: fieldsOf(span, 5)[0]?.toString() ?? "",
      }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** The length-delimited fields with that number in an encoded protobuf message. */
function fieldsOf(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else {
      const length = varint();
      if (tag >>> 3 === wanted) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}
