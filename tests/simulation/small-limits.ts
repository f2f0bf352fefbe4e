import { randomPick, seededPrng } from "@quorate/base";
import { RAFT_DEFAULTS, type RaftOptions } from "@quorate/raft";

/** Windows, batches and queues that are far from full in any small cluster, unless they are drawn small. */
export interface SmallLimits {
  readonly raft: Pick<
    RaftOptions,
    "appendBytesMax" | "inflightMessagesMax" | "inflightBytesMax" | "applyBytesMax"
  >;
  readonly applyBacklogMax: number;
  readonly snapshotWindowChunks: number;
  readonly gateway: {
    readonly writeBatchesInFlight: number;
    readonly readBatchesInFlight: number;
    readonly queueCallsMax: number;
  };
}

const STREAM = 0x5ea1;

/** For one seed, beside its other draws; each limit is small in some seeds and as in production in others. */
export function limitsOf(seed: number): SmallLimits {
  const prng = seededPrng(seed * 0x1_0000 + STREAM);
  const { inflightMessagesMax, inflightBytesMax, appendBytesMax, applyBytesMax } = RAFT_DEFAULTS;
  const window = randomPick(prng, [
    { appendBytesMax: 200, inflightBytesMax: 400 },
    { appendBytesMax, inflightBytesMax },
  ]);
  return {
    raft: {
      ...window,
      inflightMessagesMax: randomPick(prng, [1, 2, inflightMessagesMax]),
      applyBytesMax: randomPick(prng, [1, 300, applyBytesMax]),
    },
    applyBacklogMax: randomPick(prng, [10, 5000]),
    snapshotWindowChunks: randomPick(prng, [1, 2, 8]),
    gateway: {
      writeBatchesInFlight: randomPick(prng, [1, 2, 8]),
      readBatchesInFlight: randomPick(prng, [1, 4]),
      // Room for what a simulation asks in the end.
      queueCallsMax: randomPick(prng, [8, 10_000]),
    },
  };
}

/** As in production. */
export const LARGE_LIMITS: SmallLimits = {
  raft: RAFT_DEFAULTS,
  applyBacklogMax: 5000,
  snapshotWindowChunks: 8,
  gateway: { writeBatchesInFlight: 2, readBatchesInFlight: 4, queueCallsMax: 10_000 },
};
