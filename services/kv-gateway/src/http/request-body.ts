import type { IncomingMessage } from "node:http";

export interface BodyLimits {
  /** Largest body, in bytes. */
  readonly bytesMax: number;
  /** How long it may take to arrive, in milliseconds from the end of the headers. */
  readonly timeoutMs: number;
}

/** A body, or why there is none; `gone` if nobody is left to tell. */
export type BodyResult = Uint8Array | "too-large" | "too-late" | "gone";

/**
 * How many times the limit is read and thrown away before the connection is cut. A client that only reads once it has sent
 * everything would otherwise never see why it was refused.
 */
const DISCARD_FACTOR = 4;

/** Reads a body whole. `done` is called once. */
export function readBody(
  request: IncomingMessage,
  { bytesMax, timeoutMs }: BodyLimits,
  done: (result: BodyResult) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let open = true;
  const finish = (result: BodyResult): void => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    done(result);
  };
  const timer = setTimeout(() => finish("too-late"), timeoutMs);
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > DISCARD_FACTOR * bytesMax) request.destroy();
  });
  request.on("end", () => finish(bytes > bytesMax ? "too-large" : whole(chunks)));
  request.on("close", () => finish("gone"));
}

function whole(chunks: readonly Buffer[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
