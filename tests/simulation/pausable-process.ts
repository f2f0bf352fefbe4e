import type { Clock, Scheduler, Timer } from "@quorate/base";
import type { InboundMessage, Subscription, Transport } from "@quorate/transport";
import type { ProcessClock } from "./process-clock";

interface Held {
  readonly task: () => void;
  cancelled: boolean;
}

/**
 * What a process sees of time and the broker, with a switch that freezes it like SIGSTOP: nothing is delivered and no timer
 * runs until it goes on. Then all timers that became due run, and after them everything that waited on its connections,
 * which is the order in which Node does it. The clock goes on meanwhile. What the process does in a turn may be its end.
 */
export class PausableProcess implements Clock, Scheduler {
  #paused = false;
  #killed = false;
  #timers: Held[] = [];
  #deliveries: (() => void)[] = [];

  constructor(
    private readonly time: ProcessClock,
    private readonly ends: {
      /** Called before each message is sent. */
      readonly sending: () => void;
      /** @returns whether this error is the end of the process; others are the simulation's findings. */
      readonly isEnd: (error: unknown) => boolean;
    },
  ) {}

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const [timers, deliveries] = [this.#timers, this.#deliveries];
    this.#timers = [];
    this.#deliveries = [];
    for (const { task, cancelled } of timers) if (!cancelled) this.#run(task);
    for (const deliver of deliveries) this.#run(deliver);
  }

  /** The process is gone: what was held is lost, and no timer of it runs any more. */
  kill(): void {
    this.#killed = true;
    this.#timers = [];
    this.#deliveries = [];
  }

  now(): number {
    return this.time.now();
  }

  post(task: () => void): void {
    this.setTimer(0, task);
  }

  setTimer(delayMs: number, task: () => void): Timer {
    const held: Held = { task, cancelled: false };
    const timer = this.time.setTimer(delayMs, () => {
      if (this.#killed) return;
      if (this.#paused) this.#timers.push(held);
      else this.#run(task);
    });
    return {
      cancel: () => {
        held.cancelled = true;
        timer.cancel();
      },
    };
  }

  /** `transport` as this process uses it. */
  over(transport: Transport): Transport {
    return {
      get status() {
        return transport.status;
      },
      onStatus: (listener) => transport.onStatus((status) => this.#deliver(() => listener(status))),
      publish: (...args) => {
        this.ends.sending();
        return transport.publish(...args);
      },
      subscribe: (subject, handler, options) => this.#subscribe(transport, subject, handler, options),
      request: (subject, payload, options, callback) => {
        this.ends.sending();
        transport.request(subject, payload, options, (result) => {
          if (!this.#paused) return this.#run(() => callback(result));
          const kept =
            result.kind === "answer" ? { ...result, payload: Uint8Array.from(result.payload) } : result;
          this.#deliver(() => callback(kept));
        });
      },
      serve: (definition) => transport.serve(definition),
      flush: () => transport.flush(),
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    };
  }

  #subscribe(
    transport: Transport,
    subject: string,
    handler: (message: InboundMessage) => void,
    options: Parameters<Transport["subscribe"]>[2],
  ): Subscription {
    return transport.subscribe(
      subject,
      (message) => {
        if (!this.#paused) return this.#run(() => handler(message));
        const kept = { ...message, payload: Uint8Array.from(message.payload) }; // only lent
        this.#deliver(() => handler(kept));
      },
      options,
    );
  }

  #deliver(task: () => void): void {
    if (this.#paused) this.#deliveries.push(task);
    else this.#run(task);
  }

  #run(task: () => void): void {
    if (this.#killed) return;
    try {
      task();
    } catch (error) {
      if (!this.ends.isEnd(error)) throw error;
    }
  }
}
