import type { MemberId } from "@quorate/raft";
import type { Revision } from "@quorate/mvcc";
import type { Transport } from "@quorate/transport";
import {
  DecodeError,
  decodeReadResponse,
  encodeMaintenanceRequest,
  etcdserverpb,
  saturatingNumber,
  type RawMaintenanceQuery,
  type Subjects,
} from "@quorate/wire";

/** What a hash covers: hashes of different places say nothing about each other. */
export interface HashPlace {
  readonly revision: Revision;
  /** Where the history that "hash-kv" covers begins. */
  readonly compactRevision: Revision;
}

/** "hash-kv": the history since the compact revision. "hash-state": what can be read at the revision. */
export type HashKind = "hash-kv" | "hash-state";

/**
 * Asks members for a hash of one place, each on its maintenance subject.
 *
 * @param done Called once, with the hashes of those that have told one of that very place. Who is missing is unchecked: it
 *   cannot be reached, is not there yet, or has compacted further.
 */
export function askHashes(
  members: readonly MemberId[],
  kind: HashKind,
  place: HashPlace,
  dependencies: { readonly transport: Transport; readonly subjects: Subjects },
  timeoutMs: number,
  done: (hashes: ReadonlyMap<MemberId, number>) => void,
): void {
  const { transport, subjects } = dependencies;
  const { revision } = place;
  const query: RawMaintenanceQuery =
    kind === "hash-state"
      ? { kind, revision }
      : { kind, bytes: etcdserverpb.HashKVRequest.encode({ revision }).finish() };
  const payload = encodeMaintenanceRequest(query, timeoutMs);
  const hashes = new Map<MemberId, number>();
  let open = members.length;
  for (const member of members) {
    transport.request(subjects.node(member, "maintenance"), payload, { timeoutMs }, (result) => {
      const hash = result.kind === "answer" ? hashIn(result.payload, kind, place) : undefined;
      if (hash !== undefined) hashes.set(member, hash);
      open -= 1;
      if (open === 0) done(hashes);
    });
  }
}

function hashIn(
  payload: Uint8Array,
  kind: HashKind,
  { revision, compactRevision }: HashPlace,
): number | undefined {
  try {
    const answer = decodeReadResponse(payload);
    const result = answer.kind === "results" ? answer.results[0] : undefined;
    if (result?.ok !== true) return undefined;
    const told = etcdserverpb.HashKVResponse.decode(result.bytes);
    const isSamePlace =
      saturatingNumber(told.hashRevision) === revision &&
      (kind === "hash-state" || saturatingNumber(told.compactRevision) === compactRevision);
    return isSamePlace ? told.hash : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
