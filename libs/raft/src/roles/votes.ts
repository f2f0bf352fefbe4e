import type { Message } from "../message";
import type { MemberId } from "../types";
import type { Member } from "./member";
import type { RoleBehaviour } from "./role-behaviour";

type PreVote = Extract<Message, { kind: "pre-vote" }>;
type Vote = Extract<Message, { kind: "vote" }>;

/**
 * Whether `member` is content with its leader and gives no vote against it. Without this a member that merely cannot
 * hear the leader could depose it. A leader is content with itself until check-quorum tells it otherwise.
 */
export function isSticky(member: Member, role: RoleBehaviour): boolean {
  return role.role === "leader" || member.timer.sticky;
}

/**
 * Answers a pre-vote, whatever the role: it changes nothing here. A refusal is sent even to a lower term, and tells ours: a candidate
 * left behind would otherwise never find out.
 */
export function answerPreVote(member: Member, role: RoleBehaviour, from: MemberId, message: PreVote): void {
  const { log } = member;
  const granted = message.term > member.term && !isSticky(member, role) && member.isUpToDate(message.last);
  const term = granted ? message.term : member.term;
  member.send(from, { kind: "pre-vote-response", term, granted, committed: log.settledCommitId });
}

/** Answers a vote request of the present term. The grant leaves once it is durable. */
export function answerVote(member: Member, role: RoleBehaviour, from: MemberId, message: Vote): void {
  const free = member.vote === from || (member.vote === undefined && role.leader === undefined);
  const willing = message.transfer || !isSticky(member, role);
  const granted = free && willing && member.isUpToDate(message.last);
  if (granted) {
    member.grantVote(from);
    member.timer.restart(); // give the candidate time to win
  }
  member.send(from, { kind: "vote-response", term: member.term, granted });
}
