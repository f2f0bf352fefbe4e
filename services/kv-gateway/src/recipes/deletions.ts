import type { Revision } from "@quorate/mvcc";
import { decodeMessage, etcdserverpb, signedId } from "@quorate/wire";
import type { WatchApi } from "../watch/watch-api";
import type { WatchStream } from "../watch/watch-stream";
import { RecipeError } from "./recipe-error";
import { untilOver } from "./recipe-store";

interface Wait {
  readonly ended: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * Waits for keys to be deleted, for any number of callers on one watch stream, which is there only while somebody waits. The
 * stream outlives the fan-out behind it and goes on where it was, so no deletion is missed.
 */
export class Deletions {
  readonly #waits = new Map<bigint, Wait>();
  #stream: WatchStream | undefined;
  #lastId = 0n;

  constructor(private readonly dependencies: { readonly watch: WatchApi }) {}

  /**
   * Resolves once one of the keys was deleted at revision `from` or later, or when compaction has taken that knowledge. So it
   * tells that it is time to look, and not what there is to see.
   */
  untilAny(keys: readonly Uint8Array[], from: Revision, signal: AbortSignal): Promise<void> {
    return untilOver(signal, (resolve, reject) => {
      const ids = keys.map((key) =>
        this.#watch(key, from, { ended: () => resolve(undefined), failed: reject }),
      );
      return () => ids.forEach((id) => this.#forget(id));
    });
  }

  #watch(key: Uint8Array, from: Revision, wait: Wait): bigint {
    this.#lastId += 1n;
    const watchId = this.#lastId;
    this.#waits.set(watchId, wait);
    this.#stream ??= this.dependencies.watch.open(
      {
        write: (response) => this.#heard(response),
        writeShared: (responses) => responses.sendWhole((response) => this.#heard(response)),
        fail: (failure) => this.#failed(new RecipeError(failure)),
      },
      false,
    );
    this.#stream?.receive({
      kind: "create",
      range: { key, rangeEnd: undefined },
      startRevision: from,
      watchId,
      prevKv: false,
      progressNotify: false,
      fragment: false,
      noPut: true,
      noDelete: false,
    });
    return watchId;
  }

  #heard(bytes: Uint8Array): true {
    const response = decodeMessage("WatchResponse", etcdserverpb.WatchResponse, bytes);
    const isNews = response.events.length > 0 || response.canceled;
    if (isNews) this.#waits.get(signedId(response.watchId))?.ended();
    return true;
  }

  #forget(watchId: bigint): void {
    if (!this.#waits.delete(watchId)) return;
    this.#stream?.receive({ kind: "cancel", watchId });
    if (this.#waits.size > 0) return;
    this.#stream?.end();
    this.#stream = undefined;
  }

  #failed(error: RecipeError): void {
    this.#stream = undefined;
    for (const wait of [...this.#waits.values()]) wait.failed(error);
  }
}
