import { Deque, type Clock, type Scheduler } from "@quorate/base";

interface Travelling {
  readonly arrivesAt: number;
  readonly deliver: () => void;
}

/** One direction between two connections: whatever the delays drawn, messages arrive in order, each in its own turn. */
export class Lane {
  readonly #travelling = new Deque<Travelling>();
  #lastArrival = 0;
  #waiting = false;

  constructor(private readonly dependencies: { readonly clock: Clock; readonly scheduler: Scheduler }) {}

  send(delayMs: number, deliver: () => void): void {
    this.#lastArrival = Math.max(this.#lastArrival, this.dependencies.clock.now() + delayMs);
    this.#travelling.push({ arrivesAt: this.#lastArrival, deliver });
    this.#wait();
  }

  #wait(): void {
    const first = this.#travelling.peek();
    if (first === undefined || this.#waiting) return;
    this.#waiting = true;
    const { clock, scheduler } = this.dependencies;
    const delayMs = first.arrivesAt - clock.now();
    if (delayMs <= 0) scheduler.post(this.#arrive);
    else clock.setTimer(delayMs, this.#arrive);
  }

  readonly #arrive = (): void => {
    this.#waiting = false;
    const arrived = this.#travelling.shift();
    this.#wait(); // first, so that a handler that throws does not stop the lane
    arrived?.deliver();
  };
}
