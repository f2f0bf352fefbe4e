import { assertNever, hexId, textOf } from "@quorate/base";
import type { RaftEffect } from "../effect";
import type { CommittedHint, Message } from "../message";
import type { RaftStatus } from "../status";
import type { Configuration, Entry, EntryId, MemberId } from "../types";
import { changeOf, describeChange } from "./configuration-data";

/** Words for transcripts: short, and with everything that a reader must see to follow the story. */

export function nameOf(member: MemberId | undefined): string {
  return member === undefined ? "none" : `n${hexId(member)}`;
}

export function describeId({ term, index }: EntryId): string {
  return `${index}@${term}`;
}

export function describeEntries(entries: readonly Entry[]): string {
  const words = entries.map((entry) => {
    if (entry.type === "empty") return describeId(entry);
    const text =
      entry.type === "command" ? shorten(textOf(entry.data)) : `(${describeChange(changeOf(entry.data))})`;
    return `${describeId(entry)}:${text}`;
  });
  if (words.length > 6) words.splice(2, words.length - 4, "..");
  return `[${words.join(" ")}]`;
}

/** "aaaaaaaaaaaa" as "a*12", the way transcripts write it. */
function shorten(text: string): string {
  return text.length > 10 && text === text[0]!.repeat(text.length) ? `${text[0]}*${text.length}` : text;
}

export function describeMessage(message: Message): string {
  const head = `${message.kind} term=${message.term}`;
  switch (message.kind) {
    case "pre-vote":
      return `${head} last=${describeId(message.last)}${describeHint(message.committed)}`;
    case "vote":
      return `${head} last=${describeId(message.last)}${message.transfer ? " transfer" : ""}`;
    case "pre-vote-response":
      return `${head} ${message.granted ? "granted" : "refused"}${describeHint(message.committed)}`;
    case "vote-response":
      return `${head} ${message.granted ? "granted" : "refused"}`;
    case "append": {
      const entries = message.entries.length === 0 ? "" : ` entries=${describeEntries(message.entries)}`;
      return `${head} round=${message.round} previous=${describeId(message.previous)} commit=${message.commit}${entries}`;
    }
    case "append-response":
      return message.outcome.kind === "accepted"
        ? `${head} round=${message.round} match=${message.outcome.match}`
        : `${head} round=${message.round} rejected=${message.outcome.previous} hint=${describeId(message.outcome.hint)}`;
    case "heartbeat":
      return `${head} round=${message.round} commit=${message.commit}`;
    case "heartbeat-response":
      return `${head} round=${message.round}${message.needsSnapshot ? " needs-snapshot" : ""}`;
    case "install-snapshot":
      return `${head} round=${message.round} transfer=${message.transfer} snapshot=${describeId(message.snapshot)} members=${describeConfiguration(message.snapshot.configuration)}`;
    case "timeout-now":
    case "read-index":
      return head;
    case "read-index-response":
      return `${head} index=${message.index ?? "none"}`;
    default:
      return assertNever(message);
  }
}

function describeHint(committed: CommittedHint): string {
  return committed === undefined || committed.index === 0 ? "" : ` committed=${describeId(committed)}`;
}

/** One line for each effect, or for each message of a `send`. */
export function describeEffect(self: string, effect: RaftEffect): string[] {
  switch (effect.kind) {
    case "send":
      return effect.envelopes.map(
        ({ to, message }) => `${self} -> ${nameOf(to)} ${describeMessage(message)}`,
      );
    case "persist": {
      const { restart, truncateFrom, entries, hardState } = effect;
      const kept = restart?.keepsEntries === true ? " keeping-entries" : "";
      const parts = [
        restart === undefined ? "" : ` restart=${describeId(restart.snapshot)}${kept}`,
        truncateFrom === undefined ? "" : ` truncate-from=${truncateFrom}`,
        entries.length === 0 ? "" : ` entries=${describeEntries(entries)}`,
        hardState === undefined
          ? ""
          : ` term=${hardState.term} vote=${nameOf(hardState.vote)} commit=${hardState.commit}`,
      ];
      return [`${self} persist #${effect.id}${parts.join("")}`];
    }
    case "apply":
      return [`${self} apply ${describeEntries(effect.entries)}`];
    case "fetch":
      return [`${self} fetch ${effect.from}..${effect.to}`];
    case "compact":
      return [`${self} compact up-to=${effect.upTo}`];
    case "open-snapshot":
    case "close-snapshot":
      return [`${self} ${effect.kind} to=${nameOf(effect.to)} transfer=${effect.transfer}`];
    case "fetch-snapshot":
      return [
        `${self} fetch-snapshot from=${nameOf(effect.from)} transfer=${effect.transfer} snapshot=${describeId(effect.snapshot)}`,
      ];
    case "discard-snapshot":
      return [`${self} discard-snapshot transfer=${effect.transfer}`];
    case "install-snapshot":
      return [`${self} install-snapshot transfer=${effect.transfer} index=${effect.index}`];
    case "proposed":
      return [`${self} proposed ${describeId(effect)}`];
    case "proposal-refused":
      return [`${self} proposal refused: ${effect.reason}`];
    case "read-ready":
      return [`${self} read ${effect.ids.join(",")} ready at ${effect.index}`];
    case "read-failed":
      return [`${self} read ${effect.ids.join(",")} failed: ${effect.reason}`];
    case "leadership": {
      const established = effect.established ? " established" : "";
      return [`${self} is ${effect.role} term=${effect.term} leader=${nameOf(effect.leader)}${established}`];
    }
    case "loss-noticed":
      return [`${self} has lost ${describeId(effect.lost)}`];
    case "repaired":
      return [`${self} repaired ${describeId(effect.last)}`];
    case "transfer-ended":
      return [`${self} transfer ended: ${effect.outcome}`];
    default:
      return assertNever(effect);
  }
}

/** "1,2,3", "1,2,4&1,2,3" while joint, with "+5" for learners. */
export function describeConfiguration({ incoming, outgoing, learners }: Configuration): string {
  const half = (ids: readonly MemberId[]): string => ids.map(hexId).join(",");
  return [
    half(incoming),
    outgoing.length > 0 ? `&${half(outgoing)}` : "",
    learners.length > 0 ? `+${half(learners)}` : "",
  ].join("");
}

export function describeStatus(status: RaftStatus): string[] {
  const { role, term, vote, leader, last, durable, commit, applied, stateIsWhole, repairUntil, transferee } =
    status;
  const notWhole = stateIsWhole ? "" : " state-not-whole";
  const repairs = repairUntil === undefined ? "" : ` repairs until=${describeId(repairUntil)}`;
  const transfers = transferee === undefined ? "" : ` transfers to ${nameOf(transferee)}`;
  return [
    `${role} term=${term} vote=${nameOf(vote)} leader=${nameOf(leader)} last=${describeId(last)} durable=${durable} commit=${commit} applied=${applied}${notWhole}${repairs}${transfers}`,
    ...status.peers.map(
      ({ member, state, match, next, paused, inflight }) =>
        `  ${nameOf(member)} ${state} match=${match} next=${next} inflight=${inflight}${paused ? " paused" : ""}`,
    ),
  ];
}
