import type { Clock } from "@quorate/base";
import type { QuorateClient } from "../quorate-client";

export interface RecipeOptions {
  /** Seconds that a claim outlives its holder by, if the holder dies; 10 by default, raised to the cluster's minimum. */
  readonly ttlSeconds?: number;
}

export interface WaitOptions {
  /** Ends the wait, and takes its key out of the line. */
  readonly signal?: AbortSignal;
}

export interface RecipeDependencies {
  readonly client: Pick<QuorateClient, "lease" | "range" | "txn" | "watch">;
  readonly clock: Clock;
}
