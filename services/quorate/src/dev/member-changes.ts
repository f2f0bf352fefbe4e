import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { hexId, parseHexId } from "@quorate/base";
import { QuorateClient, QuorateError, type Member } from "@quorate/client";
import { CommandError, messageOf } from "../command-error";
import { readTopology, writeTopology } from "./data-directory";
import { nextName, presentMembers, withMember, withoutMember } from "./topology";

export interface MemberChangeOptions {
  readonly cluster: string;
  readonly natsUrl: string;
  readonly dataDir: string;
}

const CATCH_UP_MS = 60_000;
const RETRY_MS = 200;

/**
 * Adds a member to a running cluster: announced as a learner, started, and made a voter once it has caught up.
 *
 * @param start Starts what `topology.json` has now.
 * @returns What to tell. @throws {CommandError} or {QuorateError}: what was done until then stays.
 */
export async function addMember(
  options: MemberChangeOptions,
  staysLearner: boolean,
  start: () => void,
): Promise<string> {
  const { dataDir } = options;
  await using client = await connect(options);
  const name = nextName(readTopology(dataDir));
  const { member } = await client.membership.add({ peerUrls: [`http://${name}:2380`], isLearner: true });
  writeTopology(dataDir, withMember(readTopology(dataDir), { name, memberId: hexId(member.id) }));
  start();
  await untilStarted(client, name, member.id);
  if (staysLearner)
    return `Added ${name}, a learner: \`quorate member promote ${hexId(member.id)}\` lets it vote.`;
  await promote(client, name, member.id);
  return `Added ${name}, which has caught up and votes.`;
}

/**
 * Removes a member from a running cluster, and deletes its data: it never comes back under its id.
 *
 * @param retire Ends its process.
 * @returns What to tell. @throws {CommandError} or {QuorateError}: it was not removed.
 */
export async function removeMember(
  options: MemberChangeOptions,
  name: string,
  retire: () => Promise<void>,
): Promise<string> {
  const { dataDir } = options;
  const members = presentMembers(readTopology(dataDir));
  const member = members.find((candidate) => candidate.name === name);
  if (member === undefined) {
    const names = members.map((candidate) => candidate.name).join(", ");
    throw new CommandError(`There is no member "${name}" here: choose from ${names}.`);
  }
  await using client = await connect(options);
  const id = parseHexId(member.memberId);
  const isMember = (await client.members()).some((listed) => listed.id === id);
  if (isMember) await client.membership.remove(id);
  writeTopology(dataDir, withoutMember(readTopology(dataDir), name));
  await retire();
  rmSync(join(dataDir, name), { recursive: true, force: true });
  return `Removed ${name} and deleted its data.`;
}

/** Until it has got the log, and has written its name there. */
async function untilStarted(client: QuorateClient, name: string, id: bigint): Promise<void> {
  const deadline = performance.now() + CATCH_UP_MS;
  while (!(await isListed(client, id, (member) => member.name !== ""))) {
    if (performance.now() > deadline)
      throw new CommandError(`${name} was added, but does not start: see its log.`);
    await delay(RETRY_MS);
  }
}

/** It is refused until the learner has caught up, and while the cluster has something else to settle. */
async function promote(client: QuorateClient, name: string, id: bigint): Promise<void> {
  const deadline = performance.now() + CATCH_UP_MS;
  for (;;) {
    try {
      await client.membership.promote(id);
      return;
    } catch (error) {
      if (!(error instanceof QuorateError)) throw error;
      // An earlier attempt without an answer may have done it.
      if (await isListed(client, id, (member) => !member.isLearner)) return;
      if (performance.now() > deadline) {
        const again = `\`quorate member promote ${hexId(id)}\``;
        throw new CommandError(`${name} runs, but is a learner still (${messageOf(error)}): try ${again}.`);
      }
    }
    await delay(RETRY_MS);
  }
}

async function isListed(
  client: QuorateClient,
  id: bigint,
  as: (member: Member) => boolean,
): Promise<boolean> {
  try {
    return (await client.members()).some((member) => member.id === id && as(member));
  } catch {
    return false; // asked again with the next attempt
  }
}

function connect({ natsUrl, cluster }: MemberChangeOptions): Promise<QuorateClient> {
  return QuorateClient.connect({ servers: natsUrl, cluster, name: "quorate-dev" });
}
