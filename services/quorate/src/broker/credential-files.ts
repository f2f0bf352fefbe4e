import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { newBrokerCredentials, publicKeyIn } from "@quorate/transport-nats";

/**
 * Writes the secret of a new user to a file that only its owner may read.
 *
 * @returns What the broker knows the user by.
 */
export function writeNewCredentials(path: string): string {
  const { seed, publicKey } = newBrokerCredentials();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true }); // one that is there would keep its mode
  writeFileSync(path, `${seed}\n`, { mode: 0o600 });
  return publicKey;
}

/**
 * Likewise, but keeps the user whose secret is there already.
 *
 * @throws {BrokerAccessError} What is there is no secret of a user.
 */
export function keepOrWriteCredentials(path: string): string {
  return existsSync(path) ? publicKeyIn(path) : writeNewCredentials(path);
}
