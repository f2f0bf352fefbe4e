import { hexId, parseHexId, type Brand } from "@quorate/base";
import { ClusterNameError } from "./errors";

/** A cluster's name, checked to be usable as one token of a subject. */
export type ClusterName = Brand<string, "ClusterName">;

/** What a raft-node answers on subjects of its own. */
export type NodeOperation =
  | "propose"
  | "read"
  | "lease"
  | "status"
  | "maintenance"
  | "membership"
  | "feed"
  | "history"
  | "seat"
  | "backup";

/** The parts of the public API, each a group of subjects. */
export type ApiService = "kv" | "lease" | "watch" | "cluster" | "maintenance" | "auth" | "lock" | "election";

/** The queue groups in which the processes of a service share what is asked of any of them. */
export const SERVICE_QUEUE = { gateway: "kv-gateway", fanout: "watch-fanout" } as const;

/** What those services are called by the broker's service discovery. */
export const SERVICE_NAME = { gateway: "quorate-kv-gateway", fanout: "quorate-watch" } as const;

/** Where clients without credentials have their inboxes, unless told otherwise. */
export const ANONYMOUS_INBOX = "_INBOX";

/**
 * The longest event subject, in characters. The broker's whole protocol line is limited to 4096 bytes by default, and a
 * line above the limit costs the connection, not only the message.
 */
export const EVENT_SUBJECT_CHARACTERS_MAX = 2048;

/** @throws {ClusterNameError} `name` is not 1 to 64 of A-Z, a-z, 0-9, `_`, `-`. */
export function parseClusterName(name: string): ClusterName {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new ClusterNameError(name);
  return name as ClusterName;
}

/** Every subject that a cluster uses. Members appear as their ids in hexadecimal, without leading zeros. */
export class Subjects {
  /** Where nodes tell who leads, and are asked to. */
  readonly leader: string;
  /** Where gateways ask for a watch stream; the fan-outs share it as a queue group. */
  readonly watchOpen: string;
  readonly #internal: string;
  readonly #public: string;

  constructor(cluster: ClusterName) {
    this.#internal = `q.${cluster}`;
    this.#public = `quorate.${cluster}`;
    this.leader = `${this.#internal}.leader`;
    this.watchOpen = `${this.#internal}.watch.open`;
  }

  /** Raft messages. Broker permissions bind `from` to the sender. */
  raft(from: bigint, to: bigint): string {
    return `${this.#internal}.raft.${hexId(from)}.${hexId(to)}`;
  }

  /** What `to` subscribes to in order to hear all its peers. */
  raftFromAny(to: bigint): string {
    return `${this.#internal}.raft.*.${hexId(to)}`;
  }

  snapshot(from: bigint, to: bigint): string {
    return `${this.#internal}.snap.${hexId(from)}.${hexId(to)}`;
  }

  snapshotFromAny(to: bigint): string {
    return `${this.#internal}.snap.*.${hexId(to)}`;
  }

  /** Where a process that wants to be `member` finds out whether another one already is. */
  claim(member: bigint): string {
    return `${this.#internal}.claim.${hexId(member)}`;
  }

  /** Where one that is about to found the cluster asks a fellow founder whether it has anything yet. */
  founding(member: bigint): string {
    return `${this.#internal}.founding.${hexId(member)}`;
  }

  node(member: bigint, operation: NodeOperation): string {
    return `${this.#internal}.node.${hexId(member)}.${operation}`;
  }

  /** The events that `member` applied. */
  feed(member: bigint): string {
    return `${this.#internal}.feed.${hexId(member)}`;
  }

  /** Where the fan-out `source` hears the gateways whose streams it serves. */
  watchControl(source: bigint): string {
    return `${this.#internal}.watch.stream.${hexId(source)}`;
  }

  /** Where the streams of `gateway` are delivered, told apart by `stream` (`*`: all of them). */
  watchDelivery(gateway: bigint, stream: string): string {
    return `${this.#internal}.watch.to.${hexId(gateway)}.${stream}`;
  }

  /** Where the fan-out `source` hears the applications whose streams it serves. */
  watchStream(source: bigint): string {
    return this.api("watch", `stream.${hexId(source)}`);
  }

  /** A call of the public API, such as `kv` and `range`. */
  api(service: ApiService, method: string): string {
    return `${this.#public}.${service}.${method}`;
  }

  /**
   * Where a change of `key` is published for plain subscribers. The parts of the key between slashes become tokens, so
   * `/jobs/7` is `….put.%.jobs.7` and `….put.%.jobs.>` hears every job. Letters, digits, `_` and `-` stand for
   * themselves; other bytes are written as `%` and two hex digits, an empty part as a lone `%`: no two keys share a
   * subject.
   *
   * @returns `undefined` if it would be longer than {@link EVENT_SUBJECT_CHARACTERS_MAX}.
   */
  event(kind: "put" | "delete", key: Uint8Array): string | undefined {
    if (key.length > EVENT_SUBJECT_CHARACTERS_MAX) return undefined; // before work that its length would decide
    const subject = `${this.#public}.event.${kind}.${keyTokens(key)}`;
    return subject.length > EVENT_SUBJECT_CHARACTERS_MAX ? undefined : subject;
  }

  /** Every change: what a subscriber to all keys listens to. */
  get anyEvent(): string {
    return `${this.#public}.event.>`;
  }

  /** Where the answers to a gateway, fan-out or application go that logs in as `user`: the beginning of their subjects. */
  inbox(user: string): string {
    return `${this.#public}.inbox.${user}`;
  }

  /** Likewise of a raft-node: nobody but members and those who ask them has business there. */
  nodeInbox(user: string): string {
    return `${this.#internal}.inbox.${user}`;
  }
}

/**
 * Whether an answer may go to `reply`. Whoever asks chooses that subject, and who answers may be allowed to publish where the
 * asker is not: an answer must not be turned into a message between members. So it goes to inboxes, or to what is none of ours.
 */
export function isReplySubject(reply: string): boolean {
  return !/^(?:q|quorate)\.[^.]*\.(?!inbox\.)/.test(reply);
}

/**
 * Who sent on a subject made by {@link Subjects.raft} or {@link Subjects.snapshot}: the identity that the broker vouches
 * for. `undefined` if it is no such subject.
 */
export function senderOf(subject: string): bigint | undefined {
  const [prefix, , group, from, to, ...rest] = subject.split(".");
  if (prefix !== "q" || (group !== "raft" && group !== "snap") || to === undefined || rest.length > 0)
    return undefined;
  return from !== undefined && /^[0-9a-f]{1,16}$/.test(from) ? parseHexId(from) : undefined;
}

/** Who alone answers on a subject made by {@link Subjects.node}. `undefined` if it is no such subject. */
export function answererOf(subject: string): bigint | undefined {
  const [prefix, , group, member, operation, ...rest] = subject.split(".");
  if (prefix !== "q" || group !== "node" || operation === undefined || rest.length > 0) return undefined;
  return member !== undefined && /^[0-9a-f]{1,16}$/.test(member) ? parseHexId(member) : undefined;
}

const SLASH = 0x2f;

function keyTokens(key: Uint8Array): string {
  let tokens = "";
  let partStart = 0;
  for (let at = 0; at <= key.length; at += 1) {
    if (at < key.length && key[at] !== SLASH) {
      tokens += encodedByte(key[at]!);
      continue;
    }
    if (at === partStart) tokens += "%";
    if (at < key.length) tokens += ".";
    partStart = at + 1;
  }
  return tokens;
}

const ENCODED_BYTES = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
});

function encodedByte(byte: number): string {
  return ENCODED_BYTES[byte]!;
}
