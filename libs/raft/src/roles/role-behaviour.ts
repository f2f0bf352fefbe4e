import type { Message } from "../message";
import type { PeerStatus } from "../status";
import type { CompactionHold } from "../snapshot/log-compaction";
import type { Configuration, EntryType, LogIndex, MemberId, Role, StateView, Term } from "../types";

/** What may be proposed from outside. */
export type ProposalType = Exclude<EntryType, "empty">;

/** What a member does differently in each role. One object lives as long as the role does. */
export interface RoleBehaviour {
  readonly role: Role;
  readonly leader: MemberId | undefined;
  readonly established: boolean;
  readonly pendingReads: number;
  readonly peers: readonly PeerStatus[];

  /** Called once, when the role has begun: a transition out of it is allowed from here on. */
  enter(): void;
  tick(): void;
  /** A message of the present term that is not a vote request; or, for a pre-candidate, the grant of a pre-vote. */
  receive(from: MemberId, message: Message): void;
  /** @param type What the data are: a command, or a configuration change. */
  propose(id: number, expectedTerm: Term, data: Uint8Array, type: ProposalType): void;
  transferLeadership(id: number, to: MemberId): void;
  read(id: number): void;
  /** More is durable. */
  persisted(): void;
  /** Another configuration is applied; `from` was before. */
  reconfigured(from: Configuration): void;
  /** Messages to `member` were lost. */
  unreachable(member: MemberId): void;
  /** `member` was restarted. */
  restarted(member: MemberId): void;
  /** A view of the state was opened for `to`. */
  snapshotOpened(to: MemberId, transfer: number, at: StateView): void;
  /** A view of the state is gone. */
  snapshotClosed(to: MemberId, transfer: number): void;
  /** What this role knows of members for whom the log must stay. */
  readonly compactionHold: CompactionHold;
  /** The state is now that of a snapshot. */
  snapshotInstalled(index: LogIndex): void;
  /** The turn ends: sends what the inputs of the turn have gathered. */
  flush(): void;
  /** The role ends; the member's term is already the new one. */
  leave(): void;
}

/** Changes of role, each possible from any role. */
export interface Transitions {
  /** @param term The present term or a newer one. */
  follow(term: Term, leader: MemberId | undefined): void;
  /** Asks for pre-votes. */
  preCampaign(): void;
  /** Enters the next term and asks for votes. @param transfer Whether the leader wants it to. */
  campaign(transfer: boolean): void;
  lead(): void;
}
