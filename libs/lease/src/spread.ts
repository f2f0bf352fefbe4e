/** Milliseconds in which at most so many expiries may fall. */
const WINDOW_MS = 1000;

/**
 * Postpones deadlines so that no second holds more than `perSecondMax` of them: leases that were all refreshed at one
 * instant would otherwise end at one instant too, and so would keys, watch events and whatever their owners do about it.
 *
 * @param deadlines In milliseconds, ascending.
 * @returns as many, ascending; none is earlier than it was.
 */
export function spreadDeadlines(deadlines: readonly number[], perSecondMax: number): number[] {
  const spread: number[] = [];
  for (const [at, deadline] of deadlines.entries()) {
    const windowAgo = spread[at - perSecondMax];
    spread.push(windowAgo === undefined ? deadline : Math.max(deadline, windowAgo + WINDOW_MS));
  }
  return spread;
}
