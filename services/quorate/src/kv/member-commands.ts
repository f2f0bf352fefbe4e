import { resolve } from "node:path";
import { hexId, parseHexId } from "@quorate/base";
import type { MembershipChange } from "@quorate/client";
import { recoverMember, RecoveryRefusedError } from "@quorate/fence";
import { Command } from "commander";
import { CommandError, usageError } from "../command-error";
import { memberRunCommand } from "../member/member-command";
import { clusterCommand, type OutputFlags } from "./cluster-command";
import { withClient } from "./connection";
import { renderAddition, renderChange, renderMembers } from "./member-output";
import { parseOutputFormat } from "./output-format";

interface PeerUrlFlags extends OutputFlags {
  readonly peerUrls?: string;
}

/** `quorate member …`, as etcdctl's. */
export function memberCommand(): Command {
  return new Command("member")
    .description("run a member, and list, add, remove, promote, update and recover members")
    .addCommand(memberRunCommand(), { isDefault: true })
    .addCommand(memberListCommand("list"))
    .addCommand(addCommand())
    .addCommand(
      changeCommand("remove", "removed from", "for ever; it ends by itself", (client, id) =>
        client.remove(id),
      ),
    )
    .addCommand(
      changeCommand("promote", "promoted in", "make a learner that has caught up a voter", (client, id) =>
        client.promote(id),
      ),
    )
    .addCommand(
      changeCommand("update", "updated in", "change its peer URLs", (client, id, flags) =>
        client.update(id, peerUrlsOf(flags)),
      ).option("--peer-urls <urls>", "what is shown as its peer URLs"),
    )
    .addCommand(recoverCommand());
}

export function memberListCommand(name: string): Command {
  return clusterCommand(name)
    .description("list the members")
    .action(async (flags: OutputFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const members = await withClient(flags, (client) => client.members());
      process.stdout.write(renderMembers(members, format));
    });
}

/** `quorate move-leader`. */
export function moveLeaderCommand(): Command {
  return clusterCommand("move-leader")
    .description("give the leadership to another voter")
    .argument("<id>", "in hexadecimal")
    .action(async (text: string, flags: OutputFlags) => {
      const id = memberIdOf(text);
      const from = await withClient(flags, async (client) => {
        const { leaderId } = await client.status();
        await client.membership.moveLeader(id);
        return leaderId;
      });
      process.stdout.write(`Leadership transferred from ${hexId(from)} to ${hexId(id)}\n`);
    });
}

function addCommand(): Command {
  interface Flags extends PeerUrlFlags {
    readonly learner?: boolean;
  }
  return clusterCommand("add")
    .description("announce a member, and tell how to start it")
    .argument("<name>", "what it will be called")
    .option("--peer-urls <urls>", "shown in lists: http://HOST:PORT, of no other member")
    .option("--learner", "without a vote until it is promoted")
    .action(async (name: string, flags: Flags) => {
      const format = parseOutputFormat(flags.writeOut);
      const peerUrls = peerUrlsOf(flags);
      const isLearner = flags.learner ?? false;
      const added = await withClient(flags, (client) => client.membership.add({ peerUrls, isLearner }));
      process.stdout.write(renderAddition(name, added, format));
    });
}

/** Works on the directory of a member that does not run, and needs no broker. */
function recoverCommand(): Command {
  return new Command("recover")
    .description("let a member that has fenced itself fetch its state from the others at its next start")
    .requiredOption("--data-dir <dir>", "of that member")
    .action(({ dataDir }: { readonly dataDir: string }) => {
      const directory = resolve(dataDir);
      try {
        const aside = recoverMember(directory);
        const where =
          aside === undefined ? "" : ` The damaged state is in ${aside}: delete it when it was examined.`;
        process.stdout.write(`Start the member again: it fetches its state from the others.${where}\n`);
      } catch (error) {
        if (error instanceof RecoveryRefusedError) throw new CommandError(error.message);
        throw error;
      }
    });
}

type Membership = Parameters<Parameters<typeof withClient>[1]>[0]["membership"];

function changeCommand(
  name: string,
  done: string,
  description: string,
  order: (membership: Membership, id: bigint, flags: PeerUrlFlags) => Promise<MembershipChange>,
): Command {
  return clusterCommand(name)
    .description(description)
    .argument("<id>", "in hexadecimal")
    .action(async (text: string, flags: PeerUrlFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const id = memberIdOf(text);
      const change = await withClient(flags, (client) => order(client.membership, id, flags));
      process.stdout.write(renderChange(id, done, change, format));
    });
}

/** @throws {CommandError} */
function peerUrlsOf({ peerUrls }: PeerUrlFlags): string[] {
  if (peerUrls === undefined) throw usageError("member peer urls not provided: give --peer-urls.");
  return peerUrls.split(",");
}

/** @throws {CommandError} */
function memberIdOf(text: string): bigint {
  try {
    return parseHexId(text);
  } catch {
    throw usageError(`"${text}" is not a member id in hexadecimal.`);
  }
}
