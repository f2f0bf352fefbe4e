import type { Revision } from "@quorate/mvcc";
import { headerRevisionOf } from "@quorate/wire";

/**
 * The newest revision that a client of this gateway may know of. Who watches from now on what it has just written shall not be
 * told of that, although the fan-out may hear of it after the gateway has answered.
 */
export class NewestRevision {
  #revision = 0 as Revision;

  get value(): Revision {
    return this.#revision;
  }

  /** @param responses Encoded, about to be handed out. */
  note(responses: readonly { readonly ok: boolean; readonly bytes?: Uint8Array }[]): void {
    // Of one batch the last is the newest.
    const bytes = responses.findLast(({ ok }) => ok)?.bytes;
    if (bytes === undefined) return;
    const revision = headerRevisionOf(bytes);
    if (revision > this.#revision) this.#revision = revision as Revision;
  }
}
