import { QuorateError } from "../errors";
import { exactly } from "../key-range";
import { cancelled, repeat } from "../repeat";
import { WatchCompactedError } from "../watch/watch";
import type { RecipeDependencies } from "./recipe-dependencies";

export interface SeenKey {
  readonly key: Uint8Array;
  /** Tells this life of the key from a later one. */
  readonly createRevision: number;
  /** The revision at which it was seen. */
  readonly revision: number;
}

/**
 * Resolves once a key that was seen is gone, even if it has come back since.
 *
 * @throws {QuorateError} CANCELLED: the signal was aborted, or the client closed.
 */
export async function untilDeleted(
  { key, createRevision, revision }: SeenKey,
  signal: AbortSignal,
  { client, clock }: RecipeDependencies,
): Promise<void> {
  for (let seen = revision; ;) {
    await using watch = client.watch(exactly(key), { fromRevision: seen + 1, without: "puts", signal });
    try {
      const { done } = await watch.next();
      if (done !== true) return;
      if (signal.aborted) throw cancelled(signal);
      throw new QuorateError("CANCELLED", "the client was closed", "definite");
    } catch (error) {
      if (!(error instanceof WatchCompactedError)) throw error;
    }
    const now = await repeat(() => client.range(exactly(key), { keysOnly: true, signal }), { clock, signal });
    if (now.keyValues[0]?.createRevision !== createRevision) return;
    seen = now.revision;
  }
}
