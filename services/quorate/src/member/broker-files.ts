import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseClusterName } from "@quorate/wire";
import type { BrokerLogin } from "../broker/broker-users";
import { writeNewCredentials } from "../broker/credential-files";
import { brokerConfig, type BrokerPlan } from "./broker-config";

/** Those who log in to a member's own broker with a secret that is another one at each start. */
const LOGINS: readonly Omit<BrokerLogin, "publicKey">[] = [
  // The member itself. Its broker is its child, so binding it to one id would bind nobody; and who joins has none yet.
  { name: "member", roles: ["node", "gateway", "fanout", "client"], member: "*" },
  // For `quorate --broker-credentials`, by whoever may read this directory.
  { name: "admin", roles: ["admin"] },
];

/** Where the secret of one of them is. */
export function brokerCredentialsPath(dataDir: string, name: "member" | "admin"): string {
  return join(dataDir, "broker", `${name}.nkey`);
}

/** @returns Path of the configuration of this member's broker, written anew at each start. */
export function writeBrokerConfig(dataDir: string, plan: Omit<BrokerPlan, "users">): string {
  const folder = join(dataDir, "broker");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logins = LOGINS.map((login) => ({
    ...login,
    publicKey: writeNewCredentials(join(folder, `${login.name}.nkey`)),
  }));
  const users = { cluster: parseClusterName(plan.cluster), logins, admitsAnyone: true };
  const path = join(folder, "nats-server.conf");
  writeFileSync(path, brokerConfig({ ...plan, users }), { mode: 0o600 });
  return path;
}
