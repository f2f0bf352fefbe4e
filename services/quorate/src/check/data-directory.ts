import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { explainFence, fenceOf } from "@quorate/fence";
import { fileSystemAdvice, fileSystemOf, freeSpaceAdvice, mebibytes } from "@quorate/config";
import { messageOf } from "../command-error";
import { readMember } from "../member/member-file";
import type { PlannedData } from "./check-plan";
import { failure, ok, warning, type Finding } from "./finding";

const SUBJECT = "data directory";

/** Whether the directory can be used, by whom, and what it lies on. */
export function checkDataDirectory(data: PlannedData): Finding[] {
  const { dir, quotaBytes } = data;
  const fileSystem = fileSystemOf(dir);
  const { path, kind, freeBytes } = fileSystem;
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch {
    return [
      failure(SUBJECT, {
        text: `${dir} cannot be written${path === dir ? "" : ` (${path} belongs to somebody else)`}`,
        remedy: "Give it to the user that runs this process, or name another one.",
      }),
    ];
  }
  if (!statSync(path).isDirectory())
    return [failure(SUBJECT, { text: `${path} is no directory`, remedy: "Name another --data-dir." })];
  const advice = fileSystemAdvice(kind);
  const space = freeSpaceAdvice(fileSystem, quotaBytes, usedBytes(dir));
  return [
    ...contentOf(data),
    ...openness(dir),
    advice === undefined
      ? ok("file system", kind)
      : warning("file system", { ...advice, text: `${dir} (${kind}) ${advice.text}` }),
    space === undefined
      ? ok("free space", `${mebibytes(freeBytes)}, above the quota`)
      : warning("free space", space),
  ];
}

function contentOf({ dir, nodeDir, member }: PlannedData): Finding[] {
  const fence = fenceOf(nodeDir);
  if (fence !== undefined)
    return [
      failure(SUBJECT, {
        text: explainFence(nodeDir, fence),
        remedy: `Run quorate member recover --data-dir ${nodeDir}.`,
      }),
    ];
  if (!existsSync(dir)) return [ok(SUBJECT, `${dir} will be made`)];
  if (member === undefined) return [ok(SUBJECT, `${dir} can be written`)];
  try {
    const stored = readMember(dir);
    if (stored === undefined) return [ok(SUBJECT, `${dir} is of no member yet`)];
    const { name, cluster, hasRun } = stored;
    if (cluster !== member.cluster)
      return [
        failure(SUBJECT, {
          text: `${dir} belongs to a member of the cluster ${cluster}, and --initial-cluster-token is ${member.cluster}`,
          remedy: "Correct the token, or name another --data-dir.",
        }),
      ];
    if (name !== member.name)
      return [
        failure(SUBJECT, {
          text: `${dir} belongs to the member ${name}, and --name is ${member.name}: it would go on as ${name} under another name`,
          remedy: "Correct the name, or name another --data-dir.",
        }),
      ];
    return [ok(SUBJECT, `${dir} is that of ${name}${hasRun ? ", which has run" : ""}`)];
  } catch (error) {
    return [failure(SUBJECT, { text: messageOf(error), remedy: "See infra/operations/replace-member.md." })];
  }
}

function openness(dir: string): Finding[] {
  if (!existsSync(dir) || (statSync(dir).mode & 0o077) === 0) return [];
  return [
    warning(SUBJECT, {
      text: `${dir} is open to other users of this machine, who could read every key`,
      remedy: `chmod 700 ${dir}`,
    }),
  ];
}

function usedBytes(dir: string): number {
  if (!existsSync(dir)) return 0;
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((bytes, { parentPath, name }) => bytes + sizeOf(join(parentPath, name)), 0);
}

/** Of a member that runs files come and go. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
