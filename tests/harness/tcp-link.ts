import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What happens to the bytes of one direction. */
export interface LinkShape {
  /** Nothing gets through, and nobody is told: not even that the other side has closed. */
  readonly blocked?: boolean;
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
}

/** "forth" is away from who connected. */
export type LinkDirection = "forth" | "back";

/** Bytes of one direction of a connection that wait here; beyond them the sender is not read any more. */
const WAITING_BYTES_MAX = 1024 * 1024;
const OPEN: LinkShape = {};

/**
 * A port that leads to another port of this machine, for as long as it is let: a link that can be cut, delayed, throttled, made
 * one-way or half-open.
 */
export class TcpLink implements AsyncDisposable {
  readonly #connections = new Set<Connection>();
  readonly #shapes: Record<LinkDirection, LinkShape> = { forth: OPEN, back: OPEN };
  #isCut = false;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {
    server.on("connection", (near) => this.#accept(near));
  }

  static async open(targetPort: number): Promise<TcpLink> {
    const server = createServer();
    await new Promise<void>((listening, failed) => {
      server.once("error", failed);
      server.listen(0, "127.0.0.1", listening);
    });
    return new TcpLink(server, targetPort);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that lead somewhere. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Ends all connections, and every new one. */
  cut(): void {
    this.#isCut = true;
    for (const connection of this.#connections) connection.destroy();
  }

  /** Ends all connections for the one that accepted them, while who connected is told nothing; new ones work. */
  halfOpen(): void {
    for (const connection of this.#connections) connection.abandonNear();
  }

  shape(direction: LinkDirection, shape: LinkShape): void {
    this.#shapes[direction] = shape;
    for (const connection of this.#connections) connection.reshape(direction, shape);
  }

  /** As new, but for connections that are gone. What was held back arrives. */
  heal(): void {
    this.#isCut = false;
    this.shape("forth", OPEN);
    this.shape("back", OPEN);
    for (const connection of this.#connections) connection.endAbandoned();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((closed) => this.server.close(closed));
  }

  #accept(near: Socket): void {
    if (this.#isCut) {
      near.on("error", () => undefined);
      near.destroy();
      return;
    }
    const connection = new Connection(near, connect(this.targetPort, "127.0.0.1"), { ...this.#shapes }, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }
}

class Connection {
  readonly #pipes: Record<LinkDirection, Pipe>;
  #isAbandoned = false;

  constructor(
    private readonly near: Socket,
    private readonly far: Socket,
    shapes: Record<LinkDirection, LinkShape>,
    over: () => void,
  ) {
    for (const socket of [near, far]) socket.setNoDelay(true).on("error", () => undefined);
    this.#pipes = { forth: new Pipe(near, far, shapes.forth), back: new Pipe(far, near, shapes.back) };
    near.once("close", () => {
      if (this.#isAbandoned || far.destroyed) over();
    });
    far.once("close", () => {
      if (!this.#isAbandoned && near.destroyed) over();
    });
  }

  reshape(direction: LinkDirection, shape: LinkShape): void {
    this.#pipes[direction].reshape(shape);
  }

  destroy(): void {
    this.near.destroy();
    this.far.destroy();
  }

  abandonNear(): void {
    this.#isAbandoned = true;
    for (const pipe of Object.values(this.#pipes)) pipe.abandon();
    this.far.destroy();
    this.near.resume(); // reads on, for nobody
  }

  endAbandoned(): void {
    if (this.#isAbandoned) this.near.destroy();
  }
}

interface Held {
  readonly bytes: Buffer;
  dueAt: number;
}

/** One direction of a connection. */
class Pipe {
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #isAbandoned = false;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private shape: LinkShape,
  ) {
    from.on("data", (bytes) => this.#take(bytes as Buffer));
    from.once("close", () => {
      this.#isOver = true;
      this.#pump();
    });
    to.on("drain", () => this.#pump());
    to.once("close", () => clearTimeout(this.#timer));
  }

  reshape(shape: LinkShape): void {
    this.shape = shape;
    if (shape.delayMs === undefined && shape.bytesPerSecond === undefined)
      for (const held of this.#held) held.dueAt = 0;
    this.#pump();
  }

  abandon(): void {
    this.#isAbandoned = true;
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #take(bytes: Buffer): void {
    if (this.#isAbandoned) return;
    const now = performance.now();
    const { delayMs = 0, bytesPerSecond = Infinity } = this.shape;
    const after = Math.max(now, this.#held.at(-1)?.dueAt ?? 0);
    const dueAt = Math.max(now + delayMs, after + (bytes.length * 1000) / bytesPerSecond);
    this.#held.push({ bytes, dueAt });
    this.#heldBytes += bytes.length;
    this.#pump();
    if (this.#heldBytes > WAITING_BYTES_MAX) this.from.pause();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.shape.blocked === true || this.#isAbandoned || this.to.destroyed) return;
    for (let head = this.#held[0]; head !== undefined; head = this.#held[0]) {
      const waitMs = head.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      if (this.to.writableLength > WAITING_BYTES_MAX) return; // goes on at "drain"
      this.#held.shift();
      this.#heldBytes -= head.bytes.length;
      this.to.write(head.bytes);
    }
    if (this.#isOver) this.to.end();
    else if (this.from.isPaused()) this.from.resume();
  }
}
