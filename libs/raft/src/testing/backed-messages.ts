import { assertNever } from "@quorate/base";
import type { Envelope, Message } from "../message";
import type { MemberId } from "../types";
import type { SimulatedDisk } from "./simulated-disk";

/** Whether the disk of `sender` holds what a message says of it: its term, its vote, its log (thesis §3.8). */
export function isBackedBy(disk: SimulatedDisk, sender: MemberId, { to, message }: Envelope): boolean {
  const { term, vote } = disk.hardState;
  const hasVoted = (candidate: MemberId): boolean =>
    message.term < term || (message.term === term && vote === candidate);
  switch (message.kind) {
    case "pre-vote":
    case "pre-vote-response":
      return true; // they promise nothing, and speak of a term that nobody has entered
    case "vote":
      return hasVoted(sender);
    case "vote-response":
      return message.granted ? hasVoted(to) : message.term <= term;
    case "append-response":
      return message.term <= term && lastClaimed(message) <= disk.lastIndex;
    case "append":
    case "heartbeat":
    case "heartbeat-response":
    case "install-snapshot":
    case "timeout-now":
    case "read-index":
    case "read-index-response":
      return message.term <= term;
    default:
      return assertNever(message);
  }
}

function lastClaimed({ outcome }: Extract<Message, { kind: "append-response" }>): number {
  return outcome.kind === "accepted" ? outcome.match : 0;
}
