/** Tells what is wrong; `undefined` if nothing is. */
export type HealthVerdict = (fault: string | undefined) => void;

/** One thing that a probe looks at. */
export interface HealthCheck {
  /** Its page below the probe's, and what `?exclude=` leaves out. */
  readonly name: string;
  /** Calls `verdict` once, at once or later. */
  run(verdict: HealthVerdict): void;
}

/** A check that knows at once. @param fault What is wrong now; `undefined` if nothing is. */
export function instantCheck(name: string, fault: () => string | undefined): HealthCheck {
  return { name, run: (verdict) => verdict(fault()) };
}

/**
 * Not ready from the moment on at which a process is asked to end: it still serves then, so that whoever sends it requests can go
 * elsewhere before the door is closed.
 */
export class StopNotice {
  #isStopping = false;

  readonly check = instantCheck("not_stopping", () =>
    this.#isStopping ? "this process was asked to end" : undefined,
  );

  get isStopping(): boolean {
    return this.#isStopping;
  }

  give(): void {
    this.#isStopping = true;
  }
}

/** @param status Of the connection, see Transport. */
export function brokerCheck(status: () => string): HealthCheck {
  return instantCheck("broker_connection", () =>
    status() === "connected" ? undefined : "no connection to a broker",
  );
}
