import { createHash } from "node:crypto";

/** A member that the cluster begins with. */
export interface Founder {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/**
 * The id of a founder, as etcd derives it, so that all founders agree on it without having met: of what peers are told to reach it by,
 * and the cluster's token.
 */
export function founderId(peerUrls: readonly string[], token: string): bigint {
  return firstEight([...peerUrls].sort().join("") + token);
}

/** The id of the cluster that `members` found, likewise. */
export function foundedClusterId(members: readonly bigint[]): bigint {
  const bytes = Buffer.alloc(members.length * 8);
  [...members].sort((a, b) => (a < b ? -1 : 1)).forEach((id, at) => bytes.writeBigUInt64BE(id, at * 8));
  return firstEight(bytes);
}

/** @returns The members that `--initial-cluster` names: NAME=URL, with commas between them; a name may have several URLs. */
export function parseInitialCluster(text: string): Founder[] {
  const urls = new Map<string, string[]>();
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const [name, url] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    urls.set(name, [...(urls.get(name) ?? []), url]);
  }
  return [...urls].map(([name, peerUrls]) => ({ name, peerUrls: peerUrls.sort() }));
}

function firstEight(content: string | Buffer): bigint {
  return createHash("sha1").update(content).digest().readBigUInt64BE(0);
}
