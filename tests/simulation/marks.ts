/** A set of so many seeds must reach what most reach by chance. */
const SOME = 400;
/** What takes two rare things at once. */
const MANY = 4000;

/**
 * States that a set of at least so many seeds must reach: what is checked means little for a rule whose case never came up.
 * Seen from outside of the cores, in what goes through a simulated member, and in the histories.
 */
const SEEDS_BY_MARK = {
  "a campaign ended at the pre-vote": SOME,
  "an election was lost": SOME,
  "a leader was deposed": SOME,
  "a leader was deposed before its first commit": MANY,
  "a disk stalled under a leader, and another member led before it synced": SOME,
  "a joint configuration was applied": SOME,
  "a snapshot was installed in a joint configuration": MANY,
  "a snapshot was installed": SOME,
  "a snapshot went on after a chunk was lost": SOME,
  "a snapshot was given up by its receiver": SOME,
  "a snapshot's sender did not hold it any more": SOME,
  "entries that were not committed were replaced": SOME,
  "entries for a follower were read from the disk": SOME,
  "a log was compacted": SOME,
  "repair mode was entered": SOME,
  "repair mode was left": SOME,
  "the expiry of a lease was dropped because it was granted anew or ended": MANY,
  "NOSPACE was raised": SOME,
  "NOSPACE was cleared": SOME,
  "a fan-out went on with history after a gap in its feed": SOME,
  "a fan-out gave its streams up because no node answered": SOME,
  "compaction passed a watcher": SOME,
  "a watch stream was opened anew": SOME,
  "a read was pending across a change of leader": SOME,
  "a write was acknowledged across a change of leader": SOME,
  "a write of unknown outcome took effect": SOME,
  "a write was refused for want of space": SOME,
} as const;

export type Mark = keyof typeof SEEDS_BY_MARK;

export const SOMETIMES = Object.keys(SEEDS_BY_MARK) as readonly Mark[];

/** @returns Of how many seeds at least one must reach it. */
export function seedsFor(mark: Mark): number {
  return SEEDS_BY_MARK[mark];
}

/** What one seed has reached. */
export class Marks {
  readonly #reached = new Set<Mark>();

  /** Notes that the seed has come to a state that is only sometimes reached. */
  sometimes(mark: Mark): void {
    this.#reached.add(mark);
  }

  /** In the order of {@link SOMETIMES}. */
  get reached(): readonly Mark[] {
    return SOMETIMES.filter((mark) => this.#reached.has(mark));
  }
}
