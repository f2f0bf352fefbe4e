import { connect, type Socket } from "node:net";

/** One HTTP/1 connection on which a spec writes what it likes, and waits for what it expects to read. */
export class RawConnection {
  readonly socket: Socket;
  #received = "";
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.toString("latin1");
      this.#wake?.();
    });
    const over = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    this.socket.on("end", over).on("close", over).on("error", over);
  }

  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Waits until `pattern` was received, and takes everything up to its end. */
  async read(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#received);
      if (found !== null) {
        const end = found.index + found[0].length;
        const text = this.#received.slice(0, end);
        this.#received = this.#received.slice(end);
        return text;
      }
      if (this.#ended) throw new Error(`ended before ${pattern}; read: ${this.#received}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Waits until the other side ended the connection. Returns what is left. */
  async end(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#received;
  }
}

/** The text of a `POST` of `json`. */
export function postText(path: string, json: string, headers = ""): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`;
}
