import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brokerConfig, type BrokerPlan } from "./broker-config";

/** @returns Path of the configuration of this member's broker, written anew at each start. */
export function writeBrokerConfig(dataDir: string, plan: BrokerPlan): string {
  const folder = join(dataDir, "broker");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "nats-server.conf");
  writeFileSync(path, brokerConfig(plan), { mode: 0o600 });
  return path;
}
