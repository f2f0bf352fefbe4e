import { crcChainHash, type LogIndex, type Term } from "@quorate/raft";
import type { AppliedPosition, ClusterMember } from "@quorate/state-machine";
import type { LogIdentity, LogStart, LogWrite } from "@quorate/storage";
import { encodeMembershipEntry } from "@quorate/wire";

/** What the cluster becomes. */
export interface RefoundingWish {
  readonly clusterId: bigint;
  readonly clusterName: string;
  /** The survivor, in case that its state does not know it yet. */
  readonly member: ClusterMember;
}

/** What a survivor has when it stands still. */
export interface SurvivorState {
  readonly start: Omit<LogStart, "incarnation">;
  readonly position: AppliedPosition;
}

export type Refounding =
  | {
      readonly kind: "due";
      readonly identity: LogIdentity;
      readonly write: LogWrite;
      /** Entries that this member did not know to be committed, and that count as committed from now on. */
      readonly keptEntries: number;
    }
  /** An earlier start has done it: the option was left on. */
  | { readonly kind: "done"; readonly from: bigint }
  | { readonly kind: "refused"; readonly why: string };

/**
 * What `--force-new-cluster` writes into the log of a survivor.
 *
 * Everything durable is kept and counts as committed, also what this member did not know to be: a follower learns of a commit
 * only with the next message, so the newest acknowledged writes stand in that tail (etcd cuts it off: bootstrap.go). What nobody
 * ever acknowledged may stand there too, and takes effect; its callers were told that the outcome is unknown.
 *
 * Behind it comes one configuration entry, of a term that the member has not voted in, after which it is the only member. So the
 * change goes through the log like any other: it is applied in its place, hashed, and part of what later members get.
 *
 * The new cluster has an id and a name of its own. By the id no Raft message and no snapshot of the former cluster is ever
 * believed; by the name, which is part of every subject, its other members cannot be heard by gateways and clients of this one,
 * even if they all come back and elect a leader.
 */
export function planRefounding({ start, position }: SurvivorState, wish: RefoundingWish): Refounding {
  const { identity, hardState, tail, compacted, compactedChain } = start;
  const { clusterId, clusterName, member } = wish;
  if (identity.clusterId === clusterId) {
    return identity.refoundedFrom === undefined
      ? { kind: "refused", why: "it needs a new --cluster-id: an id of which no process was ever started" }
      : { kind: "done", from: identity.refoundedFrom };
  }
  if (identity.clusterName === clusterName)
    return {
      kind: "refused",
      why: "it needs a new --cluster: by the old name the other members could still answer clients",
    };
  const last = tail.at(-1) ?? { ...compacted, chain: compactedChain };
  if (position.index < compacted.index)
    return {
      kind: "refused",
      why: `the state of this member is damaged: it stands at ${position.index}, and its log begins after ${compacted.index}`,
    };
  if (position.index > last.index)
    return {
      kind: "refused",
      why: `the log of this member is damaged: it ends at ${last.index}, and its state stands at ${position.index}`,
    };
  const change = { kind: "refound", clusterId, member } as const;
  const entry = {
    index: (last.index + 1) as LogIndex,
    term: (hardState.term + 1) as Term,
    type: "configuration",
    data: encodeMembershipEntry({ changeId: 0n, change }),
  } as const;
  return {
    kind: "due",
    identity: { ...identity, clusterId, clusterName, refoundedFrom: identity.clusterId },
    write: {
      truncateFrom: undefined,
      entries: [{ ...entry, chain: crcChainHash(last.chain, entry) }],
      hardState: { term: entry.term, vote: member.id, commit: entry.index },
    },
    keptEntries: last.index - Math.max(hardState.commit, position.index),
  };
}
