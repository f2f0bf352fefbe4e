import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hexId, parseHexId } from "@quorate/base";
import { StoredMemberError } from "./stored-member-error";

/** Who a member is, for ever: what its first start has found out, in `member.json` of the data directory. */
export interface MemberIdentity {
  readonly name: string;
  readonly memberId: bigint;
  readonly clusterId: bigint;
  /** The cluster's name: its token. */
  readonly cluster: string;
  /** How its first start makes its data. */
  readonly origin: "founder" | "joined";
  /** Whether it has run: from then on an empty directory is a lost one. */
  readonly hasRun: boolean;
  /** What the others' brokers were last reached by. */
  readonly peers: readonly string[];
}

const FILE = "member.json";

/** @returns `undefined` before the first start. @throws {StoredMemberError} It cannot be read. */
export function readMember(dataDir: string): MemberIdentity | undefined {
  let content: string;
  try {
    content = readFileSync(join(dataDir, FILE), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new StoredMemberError(`Cannot read who this member is: ${(error as Error).message}`);
  }
  try {
    const stored = JSON.parse(content) as Record<"memberId" | "clusterId", string> & MemberIdentity;
    if (typeof stored.name !== "string" || !Array.isArray(stored.peers))
      throw new Error("fields are missing");
    return { ...stored, memberId: idOf(stored.memberId), clusterId: idOf(stored.clusterId) };
  } catch (error) {
    throw new StoredMemberError(
      `${join(dataDir, FILE)}, which says who this member is, is damaged (${(error as Error).message}). Restore the file, or remove ` +
        "this member from the cluster, empty its directory, and add a new one.",
    );
  }
}

/** On disk when it returns; a crash leaves the old file or the new one. */
export function writeMember(dataDir: string, member: MemberIdentity): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, FILE);
  const stored = { ...member, memberId: hexId(member.memberId), clusterId: hexId(member.clusterId) };
  const file = openSync(`${path}.tmp`, "w", 0o600);
  try {
    writeFileSync(file, `${JSON.stringify(stored, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
  const folder = openSync(dataDir, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function idOf(text: unknown): bigint {
  if (typeof text !== "string" || !/^[0-9a-f]{1,16}$/.test(text)) throw new Error("an id is none");
  return parseHexId(text);
}
