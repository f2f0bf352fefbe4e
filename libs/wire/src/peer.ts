import { assertNever } from "@quorate/base";
import type {
  AppendMessage,
  AppendResponse,
  CommittedHint,
  Configuration,
  Entry,
  EntryId,
  InstallSnapshotMessage,
  LogIndex,
  MemberId,
  Message,
  Term,
} from "@quorate/raft";
import { CLUSTER_VERSION_FIRST } from "@quorate/state-machine";
import { DecodeError } from "./errors";
import { counterOf, unsignedId, wireId, type WireInt64 } from "./int64";
import { decodeIntegrityNote, encodeIntegrityNote, type IntegrityNote } from "./integrity-note";
import { decodeMessage, quorate } from "./protocol";

type Wire = quorate.raft.v1.PeerMessage.$Properties;

/**
 * The formats of envelopes, by the cluster version of the sender: 1 under the first one, 2 after it. Their messages are the
 * same; builds that know format 1 alone cannot apply what comes after the first cluster version, and drop format 2.
 */
export const PEER_FORMAT_MAX = 2;

/** Everything that one turn of the sender produced for one peer, in order. */
export interface PeerEnvelope {
  readonly clusterId: bigint;
  readonly from: MemberId;
  readonly to: MemberId;
  /** Starts of the sender so far. */
  readonly incarnation: number;
  /** Random 32 bits, new at each start. */
  readonly bootNonce: number;
  /** The Raft group; 0 is the only one today. */
  readonly group: number;
  readonly messages: readonly Message[];
  /** By what the sender has applied, the receiver was removed from the cluster. */
  readonly receiverRemoved?: boolean;
  /** What the sender has applied; absent: the first. */
  readonly clusterVersion?: number;
  /** The highest one that the sender can apply; absent: the first. */
  readonly clusterVersionMax?: number;
  /** Its format is not known here: there are messages that cannot be read. */
  readonly unreadable?: boolean;
  readonly integrity?: IntegrityNote;
}

/** Returns bytes of their own. */
export function encodePeerEnvelope(envelope: PeerEnvelope): Uint8Array {
  return quorate.raft.v1.PeerEnvelope.encode({
    ...(envelope.integrity === undefined ? {} : encodeIntegrityNote(envelope.integrity)),
    clusterId: wireId(envelope.clusterId),
    from: wireId(envelope.from),
    to: wireId(envelope.to),
    incarnation: envelope.incarnation,
    bootNonce: envelope.bootNonce,
    version: (envelope.clusterVersion ?? CLUSTER_VERSION_FIRST) === CLUSTER_VERSION_FIRST ? 1 : 2,
    group: envelope.group,
    messages: envelope.messages.map(encodeMessage),
    receiverRemoved: envelope.receiverRemoved ?? false,
    clusterVersion: envelope.clusterVersion ?? 0,
    clusterVersionMax: envelope.clusterVersionMax ?? 0,
  }).finish();
}

/**
 * The envelope in `bytes`, which stay the caller's: entries outlive the receive buffer that the broker's client reuses,
 * so the whole envelope is copied once and their data are views into that copy. Of an envelope of an unknown format all but
 * the messages is told.
 *
 * @throws {DecodeError} `bytes` is not an envelope, or holds a message of an unknown kind.
 */
export function decodePeerEnvelope(bytes: Uint8Array): PeerEnvelope {
  const wire = decodeMessage("PeerEnvelope", quorate.raft.v1.PeerEnvelope, new Uint8Array(bytes));
  const isReadable = wire.version > 0 && wire.version <= PEER_FORMAT_MAX;
  const integrity = decodeIntegrityNote(wire);
  return {
    clusterId: unsignedId(wire.clusterId),
    from: unsignedId(wire.from) as MemberId,
    to: unsignedId(wire.to) as MemberId,
    incarnation: wire.incarnation,
    bootNonce: wire.bootNonce,
    group: wire.group,
    messages: isReadable ? wire.messages.map(decodePeerMessage) : [],
    ...(wire.receiverRemoved ? { receiverRemoved: true } : {}),
    ...(wire.clusterVersion > 0 ? { clusterVersion: wire.clusterVersion } : {}),
    ...(wire.clusterVersionMax > 0 ? { clusterVersionMax: wire.clusterVersionMax } : {}),
    ...(isReadable ? {} : { unreadable: true }),
    ...(integrity === undefined ? {} : { integrity }),
  };
}

function encodeMessage(message: Message): Wire {
  switch (message.kind) {
    case "pre-vote":
      return { preVote: { term: message.term, last: message.last, committed: message.committed ?? null } };
    case "pre-vote-response":
      return {
        preVoteResponse: {
          term: message.term,
          granted: message.granted,
          committed: message.committed ?? null,
        },
      };
    case "vote":
      return { vote: { term: message.term, last: message.last, transfer: message.transfer } };
    case "vote-response":
      return { voteResponse: { term: message.term, granted: message.granted } };
    case "append":
      return { append: encodeAppend(message) };
    case "append-response":
      return { appendResponse: encodeAppendResponse(message) };
    case "heartbeat":
      return { heartbeat: { term: message.term, round: message.round, commit: message.commit } };
    case "heartbeat-response":
      return {
        heartbeatResponse: {
          term: message.term,
          round: message.round,
          needsSnapshot: message.needsSnapshot,
        },
      };
    case "timeout-now":
      return { timeoutNow: { term: message.term } };
    case "install-snapshot":
      return { installSnapshot: encodeInstallSnapshot(message) };
    case "read-index":
      return { readIndex: { term: message.term, id: message.id } };
    case "read-index-response":
      return { readIndexResponse: { term: message.term, id: message.id, index: message.index ?? null } };
    default:
      return assertNever(message);
  }
}

/** The index of an entry is not sent: the first follows `previous`, each other the one before it. */
function encodeAppend(message: AppendMessage): quorate.raft.v1.Append.$Properties {
  return {
    term: message.term,
    round: message.round,
    previous: message.previous,
    previousChain: message.previousChain,
    entries: message.entries.map((entry) => ({
      term: entry.term,
      type: WIRE_ENTRY_TYPES[entry.type],
      data: entry.data,
      chain: entry.chain,
    })),
    commit: message.commit,
  };
}

function encodeAppendResponse(message: AppendResponse): quorate.raft.v1.AppendResponse.$Properties {
  const { term, round, outcome } = message;
  return outcome.kind === "accepted"
    ? { term, round, accepted: { match: outcome.match } }
    : { term, round, rejected: { previous: outcome.previous, hint: outcome.hint } };
}

function decodePeerMessage(wire: Wire): Message {
  if (wire.append) return decodeAppend(wire.append);
  if (wire.appendResponse) return decodeAppendResponse(wire.appendResponse);
  if (wire.heartbeat) {
    const { term, round, commit } = wire.heartbeat;
    return { kind: "heartbeat", term: termOf(term), round: counter(round, "round"), commit: indexOf(commit) };
  }
  if (wire.heartbeatResponse) {
    const { term, round, needsSnapshot } = wire.heartbeatResponse;
    return {
      kind: "heartbeat-response",
      term: termOf(term),
      round: counter(round, "round"),
      needsSnapshot: needsSnapshot ?? false,
    };
  }
  if (wire.installSnapshot) return decodeInstallSnapshot(wire.installSnapshot);
  if (wire.readIndex) {
    return { kind: "read-index", term: termOf(wire.readIndex.term), id: counter(wire.readIndex.id, "id") };
  }
  if (wire.readIndexResponse) {
    const { term, id, index } = wire.readIndexResponse;
    return {
      kind: "read-index-response",
      term: termOf(term),
      id: counter(id, "id"),
      index: index == null ? undefined : indexOf(index),
    };
  }
  if (wire.preVote) {
    const { term, last, committed } = wire.preVote;
    return { kind: "pre-vote", term: termOf(term), last: entryId(last), committed: hint(committed) };
  }
  if (wire.vote) {
    const { term, last, transfer } = wire.vote;
    return { kind: "vote", term: termOf(term), last: entryId(last), transfer: transfer ?? false };
  }
  if (wire.timeoutNow) return { kind: "timeout-now", term: termOf(wire.timeoutNow.term) };
  if (wire.preVoteResponse) {
    const { term, granted, committed } = wire.preVoteResponse;
    return {
      kind: "pre-vote-response",
      term: termOf(term),
      granted: granted ?? false,
      committed: hint(committed),
    };
  }
  if (wire.voteResponse) {
    const { term, granted } = wire.voteResponse;
    return { kind: "vote-response", term: termOf(term), granted: granted ?? false };
  }
  throw new DecodeError("PeerMessage", "its kind is not known");
}

function decodeAppend(wire: quorate.raft.v1.Append.$Properties): AppendMessage {
  const previous = entryId(wire.previous);
  return {
    kind: "append",
    term: termOf(wire.term),
    round: counter(wire.round, "round"),
    previous,
    previousChain: wire.previousChain ?? 0,
    entries: (wire.entries ?? []).map((entry, place) =>
      decodeEntry(entry, (previous.index + 1 + place) as LogIndex),
    ),
    commit: indexOf(wire.commit),
  };
}

function encodeInstallSnapshot(message: InstallSnapshotMessage): quorate.raft.v1.InstallSnapshot.$Properties {
  const { term, round, transfer, snapshot } = message;
  const { incoming, outgoing, learners } = snapshot.configuration;
  return {
    term,
    round,
    transfer,
    last: { term: snapshot.term, index: snapshot.index },
    chain: snapshot.chain,
    configuration: {
      incoming: incoming.map(wireId),
      outgoing: outgoing.map(wireId),
      learners: learners.map(wireId),
    },
  };
}

function decodeInstallSnapshot(wire: quorate.raft.v1.InstallSnapshot.$Properties): InstallSnapshotMessage {
  return {
    kind: "install-snapshot",
    term: termOf(wire.term),
    round: counter(wire.round, "round"),
    transfer: counter(wire.transfer, "transfer"),
    snapshot: {
      ...entryId(wire.last),
      chain: wire.chain ?? 0,
      configuration: decodeConfiguration(wire.configuration ?? {}),
    },
  };
}

function decodeConfiguration(wire: quorate.raft.v1.Configuration.$Properties): Configuration {
  const members = (ids: readonly WireInt64[] | null | undefined): MemberId[] =>
    (ids ?? []).map((id) => unsignedId(id) as MemberId);
  return {
    incoming: members(wire.incoming),
    outgoing: members(wire.outgoing),
    learners: members(wire.learners),
  };
}

function decodeEntry(wire: quorate.raft.v1.Entry.$Properties, index: LogIndex): Entry {
  const type = ENTRY_TYPES[wire.type ?? 0];
  if (type === undefined) throw new DecodeError("Entry", `type ${wire.type} is not known`);
  return {
    term: termOf(wire.term),
    index,
    type,
    data: wire.data ?? new Uint8Array(0),
    chain: wire.chain ?? 0,
  };
}

function decodeAppendResponse(wire: quorate.raft.v1.AppendResponse.$Properties): AppendResponse {
  const head = {
    kind: "append-response",
    term: termOf(wire.term),
    round: counter(wire.round, "round"),
  } as const;
  if (wire.accepted) return { ...head, outcome: { kind: "accepted", match: indexOf(wire.accepted.match) } };
  if (wire.rejected) {
    const { previous, hint } = wire.rejected;
    return { ...head, outcome: { kind: "rejected", previous: indexOf(previous), hint: entryId(hint) } };
  }
  throw new DecodeError("AppendResponse", "it has no outcome");
}

const ENTRY_TYPES: readonly Entry["type"][] = ["empty", "command", "configuration"];

const WIRE_ENTRY_TYPES: Readonly<Record<Entry["type"], quorate.raft.v1.EntryType>> = {
  empty: quorate.raft.v1.EntryType.EMPTY,
  command: quorate.raft.v1.EntryType.COMMAND,
  configuration: quorate.raft.v1.EntryType.CONFIGURATION,
};

function entryId(wire: quorate.raft.v1.EntryId.$Properties | null | undefined): EntryId {
  return { term: termOf(wire?.term), index: indexOf(wire?.index) };
}

/** Members of older versions do not tell. */
function hint(wire: quorate.raft.v1.EntryId.$Properties | null | undefined): CommittedHint {
  return wire == null ? undefined : entryId(wire);
}

function termOf(value: WireInt64 | null | undefined): Term {
  return counter(value, "term") as Term;
}

function indexOf(value: WireInt64 | null | undefined): LogIndex {
  return counter(value, "index") as LogIndex;
}

function counter(value: WireInt64 | null | undefined, field: string): number {
  return value == null ? 0 : counterOf(value, field);
}
