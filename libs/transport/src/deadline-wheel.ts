import type { Clock, Timer } from "@quorate/base";

/** What can expire. The wheel owns these fields; an entry is in one wheel at a time. */
export abstract class WheelEntry {
  /** In ticks of the wheel. */
  deadlineTick = 0;
  before: WheelEntry | undefined = undefined;
  after: WheelEntry | undefined = undefined;
  /** Called once, unless the entry was removed before. */
  abstract expired(): void;
}

export interface DeadlineWheelOptions {
  /** Milliseconds; an entry expires at most this much late. */
  readonly tickMs: number;
  /** Entries due more than `slots * tickMs` from now are passed over once per turn of the wheel. */
  readonly slots: number;
}

/** The anchor of a slot's ring. */
class Slot extends WheelEntry {
  override before: WheelEntry = this;
  override after: WheelEntry = this;
  override expired(): void {}
}

/**
 * Many deadlines on one timer. A timer of its own for each of 50,000 requests a second costs more than the requests; here
 * setting and cancelling a deadline are a few pointer writes, whatever the timeouts are.
 */
export class DeadlineWheel {
  /** Made when they are first used: most connections ask little, and many are short. */
  readonly #slots: (Slot | undefined)[];
  readonly #tickMs: number;
  readonly #clock: Clock;
  #size = 0;
  /** All ticks up to this one were visited. */
  #visited: number;
  #timer: Timer | undefined;
  #timerTick = Infinity;

  constructor(options: DeadlineWheelOptions, dependencies: { readonly clock: Clock }) {
    this.#slots = new Array<Slot | undefined>(options.slots).fill(undefined);
    this.#tickMs = options.tickMs;
    this.#clock = dependencies.clock;
    this.#visited = Math.floor(this.#clock.now() / this.#tickMs);
  }

  get size(): number {
    return this.#size;
  }

  add(entry: WheelEntry, timeoutMs: number): void {
    const tick = Math.ceil((this.#clock.now() + timeoutMs) / this.#tickMs);
    entry.deadlineTick = Math.max(tick, this.#visited + 1);
    const slot = (this.#slots[entry.deadlineTick % this.#slots.length] ??= new Slot());
    entry.before = slot.before;
    entry.after = slot;
    slot.before.after = entry;
    slot.before = entry;
    this.#size += 1;
    if (entry.deadlineTick < this.#timerTick) this.#arm(entry.deadlineTick);
  }

  /** Idempotent. */
  remove(entry: WheelEntry): void {
    if (entry.after === undefined || entry.before === undefined) return;
    entry.before.after = entry.after;
    entry.after.before = entry.before;
    entry.before = undefined;
    entry.after = undefined;
    this.#size -= 1;
  }

  /** Stops the timer. The entries are forgotten, not expired. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerTick = Infinity;
    for (const slot of this.#slots) {
      while (slot !== undefined && slot.after !== slot) this.remove(slot.after);
    }
  }

  readonly #turn = (): void => {
    this.#timer = undefined;
    this.#timerTick = Infinity;
    const now = Math.floor(this.#clock.now() / this.#tickMs);
    // After a long pause (a stopped process) one full turn visits every entry.
    const from = Math.max(this.#visited + 1, now - this.#slots.length + 1);
    this.#visited = Math.max(now, this.#visited);
    for (let tick = from; tick <= now; tick += 1) this.#expire(this.#slotOf(tick), now);
    this.#armForNext();
  };

  #expire(slot: Slot | undefined, now: number): void {
    if (slot === undefined) return;
    for (let entry: WheelEntry = slot.after; entry !== slot;) {
      const next: WheelEntry | undefined = entry.after;
      if (entry.deadlineTick <= now) {
        this.remove(entry);
        entry.expired();
        entry = slot.after; // the callback may have removed any entry, also the next one
      } else {
        entry = next ?? slot.after;
      }
    }
  }

  /** The earliest slot that is not empty bounds the earliest deadline from below, which is enough to wake up in time. */
  #armForNext(): void {
    if (this.#size === 0) return;
    for (let tick = this.#visited + 1; tick <= this.#visited + this.#slots.length; tick += 1) {
      const slot = this.#slotOf(tick);
      if (slot === undefined || slot.after === slot) continue;
      if (tick < this.#timerTick) this.#arm(tick);
      return;
    }
  }

  #arm(tick: number): void {
    this.#timer?.cancel();
    this.#timerTick = tick;
    this.#timer = this.#clock.setTimer(Math.max(0, tick * this.#tickMs - this.#clock.now()), this.#turn);
  }

  #slotOf(tick: number): Slot | undefined {
    return this.#slots[tick % this.#slots.length];
  }
}
