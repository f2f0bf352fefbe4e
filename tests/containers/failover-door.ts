import type { Outcome, StoreRequest } from "../checkers/history";
import type { StoreDoor } from "../workloads/store-door";

/** Calls one door until a call gets no answer, and from then on the next one, as clients with several endpoints do. */
export class FailoverDoor implements StoreDoor {
  #at = 0;

  constructor(private readonly doors: readonly StoreDoor[]) {}

  async call(request: StoreRequest): Promise<Outcome> {
    const at = this.#at;
    const outcome = await this.doors[at]!.call(request);
    // Of several callers that fail at one door only the first one moves all of them.
    if (outcome.kind === "unknown" && this.#at === at) this.#at = (at + 1) % this.doors.length;
    return outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const door of this.doors) await door[Symbol.asyncDispose]();
  }
}
