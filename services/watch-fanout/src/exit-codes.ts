/** Why the process ended, for supervisors. Bad options end it with 2 before anything is started. */
export const EXIT = {
  ok: 0,
  /** Tracing or a broker address is configured wrongly. Starting again does not help. */
  cannotStart: 64,
  /** No broker, or one that refuses this process. */
  brokerUnavailable: 69,
  /** A bug. */
  crashed: 70,
} as const;
