/*
 * The cluster version is part of the replicated membership. It says which rules entries are applied by, and changes at one
 * place of the log: so members of different builds apply the same entries alike.
 *
 * What applying an entry does must not change for entries under an earlier version. New behaviour gets the next number, a
 * name in `SINCE`, and asks `membership.clusterVersion >= SINCE.name` where it begins. That goes for a new command, a new
 * field of a known one that applying looks at, a new error, and for whatever else reaches the effect hash.
 */

/** Of every cluster until its leader has raised it. */
export const CLUSTER_VERSION_FIRST = 1;

/** The highest one that this build can apply. */
export const CLUSTER_VERSION_MAX = 2;

/** Which cluster version each behaviour of apply begins with. */
export const SINCE = {
  /** What a member publishes about itself includes the highest cluster version that it can apply. */
  publishedVersions: 2,
  /** An alarm CORRUPT refuses changes only if no majority of sound members is left; before, any does. */
  corruptByMember: 2,
} as const;

/**
 * Something that only a newer build can apply. Skipping it would make this replica another one than the others, so whoever
 * meets it stops, with nothing written.
 */
export class UnsupportedVersionError extends Error {
  override readonly name = "UnsupportedVersionError";
  readonly code = "unsupported-version";
}

/** @throws {UnsupportedVersionError} this build cannot apply entries of a cluster at that version. */
export function assertApplicable(clusterVersion: number, clusterVersionMax: number): void {
  if (clusterVersion <= clusterVersionMax) return;
  throw new UnsupportedVersionError(
    `The cluster is at version ${clusterVersion}, and this build applies entries up to version ${clusterVersionMax}. ` +
      "Nothing was changed. Start the newer build that the other members run",
  );
}

/** @throws {UnsupportedVersionError} `subject` was written by a newer build, in a format that this one cannot read. */
export function assertKnownFormat(subject: string, format: number, formatMax: number): void {
  if (format <= formatMax) return;
  throw new UnsupportedVersionError(
    `A newer build wrote ${subject} in format ${format}; this one reads up to format ${formatMax}. Nothing was changed. ` +
      "Start the build that wrote it, or a newer one",
  );
}
