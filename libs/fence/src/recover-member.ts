import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { syncDirectory } from "./durable-files";
import { explainFence, FENCE_FILE, fenceOf } from "./fence-mark";

/** Nothing was changed; the text says why and what else can be done. */
export class RecoveryRefusedError extends Error {
  override readonly name = "RecoveryRefusedError";
}

const STATE = "state";
const ASIDE_PREFIX = "state.damaged-";

/**
 * Sets the damaged state of a fenced member aside and lifts the fence. Log, vote and identity stay: at its next start it is a
 * member that has lost its state, which it makes anew from its log or from another member's snapshot. Deletes nothing.
 *
 * Every step may be repeated after a crash: the fence is the last thing to go.
 *
 * @returns where the damaged state is now; `undefined` if there was none.
 * @throws {RecoveryRefusedError} the member is not fenced, or its state is not what is damaged.
 */
export function recoverMember(dataDir: string): string | undefined {
  const mark = existsSync(join(dataDir, "raft")) ? fenceOf(dataDir) : undefined;
  if (mark === undefined) {
    throw new RecoveryRefusedError(
      `No fenced member is in ${dataDir}: there is nothing to recover. Give the member's own --data-dir.`,
    );
  }
  if (mark.part !== "state" || mark.isOnlyCopy) {
    throw new RecoveryRefusedError(`Cannot recover it. ${explainFence(dataDir, mark)}`);
  }
  const aside = join(dataDir, `${ASIDE_PREFIX}${1 + timesDamaged(dataDir)}`);
  const hasState = existsSync(join(dataDir, STATE));
  if (hasState) renameSync(join(dataDir, STATE), aside);
  syncDirectory(dataDir); // first, so that no crash leaves a damaged state without its fence
  rmSync(join(dataDir, FENCE_FILE));
  syncDirectory(dataDir);
  return hasState ? aside : undefined;
}

/** The highest number given so far. */
function timesDamaged(dataDir: string): number {
  const numbers = readdirSync(dataDir)
    .filter((name) => name.startsWith(ASIDE_PREFIX))
    .map((name) => Number(name.slice(ASIDE_PREFIX.length)));
  return Math.max(0, ...numbers.filter(Number.isInteger));
}
