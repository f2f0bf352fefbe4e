import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { hexId, parseHexId } from "@quorate/base";
import { BrokerAccessError } from "@quorate/transport-nats";
import { parseClusterName, type BrokerRole } from "@quorate/wire";
import { Command } from "commander";
import { CommandError, usageError } from "../command-error";
import { brokerUsersText, type BrokerLogin } from "./broker-users";
import { keepOrWriteCredentials } from "./credential-files";

interface Flags {
  readonly cluster: string;
  readonly out: string;
  readonly nodes?: string;
  readonly members?: string;
  readonly gateways?: string;
  readonly fanouts?: string;
  readonly clients?: string;
  readonly admins?: string;
  readonly backups?: string;
  readonly anyClient?: boolean;
}

/** A kind of user, by the flag that names users of it. */
interface Kind {
  readonly flag: keyof Flags;
  readonly roles: readonly BrokerRole[];
  readonly hasMember?: boolean;
}

const KINDS: readonly Kind[] = [
  { flag: "nodes", roles: ["node"], hasMember: true },
  { flag: "members", roles: ["node", "gateway", "fanout", "client"], hasMember: true },
  { flag: "gateways", roles: ["gateway"] },
  { flag: "fanouts", roles: ["fanout"] },
  { flag: "clients", roles: ["client"] },
  { flag: "admins", roles: ["admin"] },
  { flag: "backups", roles: ["backup"] },
];

type PlannedLogin = Omit<BrokerLogin, "publicKey">;

/** Writes who may do what on brokers that are shared, with a secret for each process. */
export function brokerConfigCommand(): Command {
  return new Command("broker-config")
    .description("write users and permissions for the brokers of a cluster, and the secrets of its processes")
    .requiredOption("--cluster <name>", "the cluster's name")
    .requiredOption(
      "--out <dir>",
      "where to write permissions.conf, and the secrets in credentials/; those there are kept",
    )
    .option("--nodes <list>", "raft-nodes: NAME=ID,NAME=ID with their --member-id")
    .option(
      "--members <list>",
      "quorate member processes that use these brokers: NAME=ID,... as member list shows",
    )
    .option("--gateways <names>", "kv-gateways: NAME,NAME")
    .option("--fanouts <names>", "watch-fanouts")
    .option("--clients <names>", "applications")
    .option("--admins <names>", "operators: they may change members and alarms as well")
    .option("--backups <names>", "backup agents")
    .option("--any-client", "let in whoever has no credentials, as an application")
    .action((flags: Flags) => {
      process.stdout.write(writeBrokerConfig(flags));
    });
}

/** @returns What it tells the operator. @throws {CommandError} */
function writeBrokerConfig(flags: Flags): string {
  const cluster = clusterNameOf(flags.cluster);
  const out = resolve(flags.out);
  const planned = plannedLogins(flags);
  mkdirSync(out, { recursive: true });
  try {
    const logins = planned.map((login) => ({
      ...login,
      publicKey: keepOrWriteCredentials(join(out, "credentials", `${login.name}.nkey`)),
    }));
    const text = permissionsFileText({ cluster, logins, admitsAnyone: flags.anyClient ?? false });
    writeFileSync(join(out, "permissions.conf"), text);
  } catch (cause) {
    if (cause instanceof BrokerAccessError) throw new CommandError(`${cause.message}.`, 1, { cause });
    throw cause;
  }
  return (
    `${join(out, "permissions.conf")}: to be included by every broker, and reloaded (nats-server --signal reload)\n` +
    planned
      .map(({ name }) => `${join(out, "credentials", name)}.nkey: --broker-credentials of ${name}\n`)
      .join("")
  );
}

export function permissionsFileText(users: Parameters<typeof brokerUsersText>[0]): string {
  return (
    "# Who may do what on the brokers of a cluster, for nats-server 2.9 and newer. Written by `quorate broker-config`: to change it,\n" +
    "# run that again. Keys are public ones; the secrets belong to the processes. Everything that is not allowed here is denied.\n" +
    brokerUsersText(users)
  );
}

/** @throws {CommandError} */
export function plannedLogins(flags: Partial<Flags>): PlannedLogin[] {
  const planned = KINDS.flatMap(({ flag, roles, hasMember }) => {
    const list = flags[flag];
    if (typeof list !== "string") return [];
    return list.split(",").map((given) => {
      const [, name = "", id = ""] = /^([A-Za-z0-9_.-]{1,64})(?:=([0-9a-fA-F]{1,16}))?$/.exec(given) ?? [];
      if (name === "" || (id !== "") !== (hasMember === true))
        throw usageError(
          `--${flag} "${given}" is not ${hasMember === true ? "NAME=ID with a hexadecimal id" : "a name"}.`,
        );
      // Which process it is for shows in the name of its file: n1 may be a node and a gateway.
      const login = { name: `${flag.slice(0, -1)}-${name}`, roles };
      return id === "" ? login : { ...login, member: hexId(parseHexId(id)) };
    });
  });
  if (planned.length === 0)
    throw usageError("No users are named: give --nodes, --gateways, --fanouts and so on.");
  const doubled = planned.find(({ name }, at) => planned.findIndex((other) => other.name === name) < at);
  if (doubled !== undefined) throw usageError(`${doubled.name} is named twice.`);
  return planned;
}

function clusterNameOf(text: string): ReturnType<typeof parseClusterName> {
  try {
    return parseClusterName(text);
  } catch (cause) {
    throw new CommandError((cause as Error).message, 2, { cause });
  }
}
