import { randomChance, randomInteger, randomPick, type Prng } from "@quorate/base";
import { connect, headers, type MsgHdrs, type NatsConnection } from "nats";
import { broken } from "./hostile-requests";
import { samplesOf } from "../targets/message-sample";

const raft = "quorate.raft.v1.";
const internal = "quorate.internal.v1.";

/** Says on the subjects of a cluster what nobody should, without waiting for an answer. */
export class NatsAttacker implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #prng: Prng;

  private constructor(connection: NatsConnection, prng: Prng) {
    this.#connection = connection;
    this.#prng = prng;
  }

  static async connect(url: string, prng: Prng): Promise<NatsAttacker> {
    return new NatsAttacker(await connect({ servers: url, name: "attacker" }), prng);
  }

  /** @returns What is heard on `subject`, as it grows. */
  listen(subject: string): readonly string[] {
    const heard: string[] = [];
    this.#connection.subscribe(subject, { callback: (_, message) => void heard.push(message.string()) });
    return heard;
  }

  send(subject: string, data: Uint8Array): void {
    const prng = this.#prng;
    const reply = randomPick(prng, [undefined, "_INBOX.nobody.hears", subject, "_INBOX.x"]);
    this.#connection.publish(subject, data, {
      ...(reply === undefined ? {} : { reply }),
      ...(randomChance(prng, 0.4) ? { headers: this.#headers() } : {}),
    });
  }

  /** As a client would that wants an answer. */
  ask(subject: string, data: Uint8Array): void {
    this.#connection.publish(subject, data, { reply: "_INBOX.answers" });
  }

  flush(): Promise<void> {
    return this.#connection.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  #headers(): MsgHdrs {
    const prng = this.#prng;
    const set = headers();
    for (let at = randomInteger(prng, 1, 5); at > 0; at -= 1) {
      const name = randomPick(prng, [
        "Content-Type",
        "Quorate-Fragment",
        "Quorate-Fragment-Accept",
        "traceparent",
        "X",
      ]);
      const values = [
        "application/json",
        "a 0 2 9000000 0 offer",
        "a 0 999999999 999999999999 0",
        "a 1 2 4 0",
        "ä\u0001",
      ];
      set.append(name, randomPick(prng, values));
    }
    return set;
  }
}

/** Subjects that only members, gateways and fan-outs use, with messages that are theirs or were once. */
export function innerMessage(
  cluster: string,
  member: string,
  prng: Prng,
): { readonly subject: string; readonly data: Uint8Array } {
  const node = (operation: string): string => `q.${cluster}.node.${member}.${operation}`;
  const [subject, type] = randomPick<readonly [string, string]>(prng, [
    [`q.${cluster}.raft.${randomInteger(prng, 1, 9)}.${member}`, `${raft}PeerEnvelope`],
    [`q.${cluster}.snap.${randomInteger(prng, 1, 9)}.${member}`, `${raft}SnapshotChunkRequest`],
    [`q.${cluster}.claim.${member}`, `${internal}FeedRequest`],
    [`q.${cluster}.leader`, `${internal}LeaderNotice`],
    [`q.${cluster}.watch.open`, "quorate.api.v1.WatchOpen"],
    [`quorate.${cluster}.watch.create`, "quorate.api.v1.WatchOpen"],
    [node("propose"), `${internal}ReadRequest`],
    [node("read"), `${internal}ReadRequest`],
    [node("lease"), `${internal}LeaseRequest`],
    [node("status"), `${internal}NodeStatusRequest`],
    [node("maintenance"), `${internal}MaintenanceRequest`],
    [node("feed"), `${internal}FeedRequest`],
    [node("history"), `${internal}HistoryRequest`],
    [node("seat"), `${internal}EventSeatRequest`],
    [node("backup"), `${internal}NodeStatusRequest`],
  ]);
  // A sound notice of a leader that is none would be believed: it is for the broker's permissions to keep it from strangers.
  const [first] = samplesOf(type);
  const garbage = Uint8Array.from({ length: randomInteger(prng, 0, 60) }, () => randomInteger(prng, 0, 255));
  const data = type.endsWith("LeaderNotice")
    ? Uint8Array.of(0xff, ...garbage)
    : broken(first ?? garbage, prng, 1);
  return { subject, data };
}
