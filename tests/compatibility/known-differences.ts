import { isDeepStrictEqual } from "node:util";

import type { Outcome, Plain } from "./outcome";
import type { KvRequest } from "./request-generator";

/** Something in which the installed etcd and Quorate differ on purpose. */
export interface KnownDifference {
  readonly name: string;
  /** Which release of etcd behaves as Quorate does, or why Quorate departs. */
  readonly reason: string;
  /** True only for this very difference. */
  matches(request: KvRequest, etcd: Outcome, quorate: Outcome): boolean;
}

/**
 * The one list of tolerated differences. Each must occur among the directed requests, so that an entry which has become
 * unnecessary is noticed.
 */
export const knownDifferences: readonly KnownDifference[] = [
  {
    name: "compare with a target or result that has no name",
    reason: "etcd takes it for a condition that holds; a write guarded by nothing is worse than an error",
    matches: ({ method, request }, etcd, quorate) =>
      method === "txn" &&
      (request.compare ?? []).some(({ target, result }) => (target ?? 0) > 4 || (result ?? 0) > 3) &&
      etcd.kind === "answer" &&
      quorate.kind === "error" &&
      /Compare: (target|result) \d+ is not known/.test(quorate.text),
  },
  {
    name: "lease of a key in a range of keys only",
    reason: "etcd leaves it out since 3.7, because it reads only the index; earlier releases tell it",
    matches: ({ request }, etcd, quorate) =>
      mentions(request, "keysOnly") &&
      etcd.kind === "answer" &&
      quorate.kind === "answer" &&
      isDeepStrictEqual(withoutLeases(etcd.body), withoutLeases(quorate.body)),
  },
  {
    name: "revision that a hash covers",
    reason: "etcd tells it since 3.6",
    matches: (_request, etcd, quorate) => sameWithout(["hashRevision"], etcd, quorate),
  },
  {
    name: "hash after a compaction",
    reason:
      "etcd hashes what compaction has kept by revision and sub revision; a row here has no sub revision, so that part is " +
      "hashed by key. It covers the same versions, and is equal on all members",
    matches: ({ method }, etcd, quorate) =>
      method === "hashKv" && sameWithout(["hash", "hashRevision"], etcd, quorate) && isCompacted(quorate),
  },
  {
    name: "hash at the compacted revision",
    reason: "etcd has one since 3.5; before, it took that revision for compacted",
    matches: ({ method, request }, etcd, quorate) =>
      method === "hashKv" &&
      etcd.kind === "error" &&
      /required revision has been compacted/.test(etcd.text) &&
      quorate.kind === "answer" &&
      (quorate.body as Fields)["compactRevision"] ===
        `${(request as { readonly revision: number }).revision}`,
  },
];

type Fields = { readonly [field: string]: Plain };

/** Whether these are two answers that differ in nothing but some fields. */
function sameWithout(names: readonly string[], etcd: Outcome, quorate: Outcome): boolean {
  if (etcd.kind === "error" || quorate.kind === "error") return false;
  const rest = (body: Plain): [string, Plain][] =>
    Object.entries(body as Fields).filter(([name]) => !names.includes(name));
  return isDeepStrictEqual(rest(etcd.body), rest(quorate.body));
}

function isCompacted(outcome: Outcome): boolean {
  if (outcome.kind === "error") return false;
  const { compactRevision } = outcome.body as Fields;
  return compactRevision !== "-1";
}

function mentions(message: unknown, field: string): boolean {
  if (message === null || typeof message !== "object" || message instanceof Uint8Array) return false;
  return Object.entries(message).some(
    ([name, part]) => (name === field && part === true) || mentions(part, field),
  );
}

function withoutLeases(body: Plain): Plain {
  if (Array.isArray(body)) return body.map((part: Plain) => withoutLeases(part));
  if (typeof body !== "object") return body;
  const fields = Object.entries(body).filter(([name]) => name !== "lease");
  return Object.fromEntries(fields.map(([name, part]: [string, Plain]) => [name, withoutLeases(part)]));
}
