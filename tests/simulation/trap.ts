import type { Actor } from "@quorate/actor";
import { ProcessEnd } from "./process-end";
import type { Boundary } from "./schedule";

/** Ends a process between two of its effects, once it comes to a boundary where it is waited for. */
export class Trap {
  #set: { readonly boundary: Boundary; skip: number; readonly powerLoss: boolean } | undefined;

  /** The process ends when it passes `boundary` once more after `skip` times, if it lives that long. */
  set(boundary: Boundary, skip: number, powerLoss: boolean): void {
    this.#set = { boundary, skip, powerLoss };
  }

  disarm(): void {
    this.#set = undefined;
  }

  /** @throws {ProcessEnd} */
  cross(boundary: Boundary): void {
    const set = this.#set;
    if (set?.boundary !== boundary || set.skip-- > 0) return;
    throw new ProcessEnd(set.powerLoss);
  }

  /** `actor`, with a boundary before it ends its turns. */
  crossing<M>(boundary: Boundary, actor: Actor<M>): Actor<M> {
    return {
      receive: (message) => actor.receive(message),
      turnEnded: () => {
        this.cross(boundary);
        actor.turnEnded?.();
      },
    };
  }
}
