import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { syncDirectory, writeSynced } from "./durable-files";

/** "state": what can be had from the other members. "log": what this member has acknowledged, which cannot. */
export type DamagedPart = "state" | "log";

/** Why a member must not run with its data, written beside them. Only an operator's command takes it away. */
export interface FenceMark {
  readonly part: DamagedPart;
  /** What was found, for people. */
  readonly why: string;
  /** ISO 8601. */
  readonly at: string;
  readonly memberName: string;
  /** In hexadecimal. */
  readonly memberId: string;
  /** Whether it was the only voter and its log no longer goes back to the beginning: then nobody else has what it lost. */
  readonly isOnlyCopy: boolean;
}

const FORMAT = 1;
export const FENCE_FILE = "fenced.json";

/** @returns `undefined` if the member in `dataDir` is not fenced. */
export function fenceOf(dataDir: string): FenceMark | undefined {
  const path = join(dataDir, FENCE_FILE);
  if (!existsSync(path)) return undefined;
  return markOf(readFileSync(path, "utf8"));
}

/** Fences the member in `dataDir`, durably. A mark that is there stays: what was found first is what matters. */
export function putFence(dataDir: string, mark: FenceMark): void {
  const path = join(dataDir, FENCE_FILE);
  if (existsSync(path)) return;
  writeSynced(`${path}.new`, `${JSON.stringify({ format: FORMAT, ...mark }, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
  syncDirectory(dataDir);
}

/** What happened and what an operator can do about it, in a few sentences. */
export function explainFence(dataDir: string, mark: FenceMark): string {
  const { memberName, memberId, at, why, part, isOnlyCopy } = mark;
  return `${memberName} is fenced since ${at}: ${why}. Its data are kept as they are. ${remedy()}`;

  function remedy(): string {
    if (isOnlyCopy) {
      return (
        "It was the only voting member, and nobody else has them: copy the directory away, check the disk, and restore a " +
        "backup into a new cluster."
      );
    }
    if (part === "log") {
      return (
        "Its log is what it has acknowledged, so it must not come back under its id: remove it " +
        `(quorate member remove ${memberId}) and add a new member with an empty directory ` +
        `(quorate member add ${memberName} --learner).`
      );
    }
    return (
      "Its log is sound. Check the disk, then let it fetch the state from the other members: " +
      `quorate member recover --data-dir ${dataDir}`
    );
  }
}

/** A mark that cannot be read counts as the worse of the two: it was put there for a reason. */
export function markOf(text: string): FenceMark {
  try {
    const { format, ...mark } = JSON.parse(text) as FenceMark & { readonly format: number };
    if (format === FORMAT && isComplete(mark)) return mark;
  } catch {
    // said below
  }
  return {
    part: "log",
    why: `${FENCE_FILE} cannot be read by this version`,
    at: "an unknown time",
    memberName: "this member",
    memberId: "ID",
    isOnlyCopy: false,
  };
}

/** Without `part` the remedy would be that of the lesser damage. */
function isComplete({ part, why, at, memberName, memberId, isOnlyCopy }: Partial<FenceMark>): boolean {
  const texts = [why, at, memberName, memberId];
  return (
    (part === "state" || part === "log") &&
    texts.every((text) => typeof text === "string") &&
    typeof isOnlyCopy === "boolean"
  );
}
