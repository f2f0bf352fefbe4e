import type { ActorRef } from "@quorate/actor";
import type { Clock } from "@quorate/base";
import type { Entry } from "@quorate/raft";
import type { LogFacts, Logger } from "@quorate/telemetry";
import { decodeRawCommandBatch } from "@quorate/wire";
import type { ApplierMessage, ApplierReport } from "../../services/raft-node/src/actors/applier-actor";
import type { LogWriterMessage } from "../../services/raft-node/src/actors/log-writer-actor";
import { listeningLogger } from "./listening-logger";
import type { Mark, Marks } from "./marks";

/** The time after which a chunk that did not come is asked for again. */
const CHUNK_ANSWER_MS = 2000;

const BY_MESSAGE: ReadonlyMap<string, Mark> = new Map([
  ["a snapshot could not be fetched", "a snapshot was given up by its receiver"],
  ["repaired: the log is as complete again as it was", "repair mode was left"],
]);

/** Sees which rare states one start of a member comes to, in what it tells its lanes and its operator, and hears from them. */
export class MemberObserver {
  readonly logger: Logger = listeningLogger((message, facts) => this.#heard(message, facts));
  #role = "follower";
  #term = 0;
  #established = false;
  #stalledLeading = false;
  #isFull = false;
  #chunkAt: number | undefined;
  /** Expiries that are handed over to be applied, and took no effect so far. */
  #expiring = 0;

  constructor(private readonly dependencies: { readonly marks: Marks; readonly clock: Pick<Clock, "now"> }) {}

  /** What goes through it to the log's lane. */
  logWriter(lane: ActorRef<LogWriterMessage>): ActorRef<LogWriterMessage> {
    const { marks } = this.dependencies;
    return {
      tell: (message) => {
        if (message.kind === "read") marks.sometimes("entries for a follower were read from the disk");
        if (message.kind === "compact") marks.sometimes("a log was compacted");
        if (message.kind === "write" && message.write.truncateFrom !== undefined)
          marks.sometimes("entries that were not committed were replaced");
        lane.tell(message);
      },
    };
  }

  /** What goes through it to the lane that applies. */
  applier(lane: ActorRef<ApplierMessage>): ActorRef<ApplierMessage> {
    return {
      tell: (message) => {
        if (message.kind === "apply") for (const entry of message.entries) this.#applying(entry);
        if (message.kind === "snapshot-stage") this.#chunkAt = this.dependencies.clock.now();
        if (message.kind === "snapshot-write") this.#chunk();
        lane.tell(message);
      },
    };
  }

  reported(report: ApplierReport): void {
    const { marks } = this.dependencies;
    if (report.kind !== "applied" && report.kind !== "snapshot-installed") return;
    const isFull = report.condition.alarms.length > 0;
    if (isFull !== this.#isFull) marks.sometimes(isFull ? "NOSPACE was raised" : "NOSPACE was cleared");
    this.#isFull = isFull;
    const isJoint = (report.membership?.configuration.outgoing.length ?? 0) > 0;
    if (isJoint) marks.sometimes("a joint configuration was applied");
    if (report.kind === "snapshot-installed") {
      marks.sometimes("a snapshot was installed");
      if (isJoint) marks.sometimes("a snapshot was installed in a joint configuration");
      return;
    }
    const ended = report.leases.filter(({ kind }) => kind === "ended").length;
    if (this.#expiring > ended)
      marks.sometimes("the expiry of a lease was dropped because it was granted anew or ended");
    this.#expiring = 0;
  }

  #applying({ type, data }: Entry): void {
    if (type !== "command") return;
    for (const { kind } of decodeRawCommandBatch(data)) if (kind === "lease-expire") this.#expiring += 1;
  }

  #chunk(): void {
    const { clock, marks } = this.dependencies;
    const now = clock.now();
    if (this.#chunkAt !== undefined && now - this.#chunkAt >= CHUNK_ANSWER_MS)
      marks.sometimes("a snapshot went on after a chunk was lost");
    this.#chunkAt = now;
  }

  #heard(message: string, facts: LogFacts): void {
    const { marks } = this.dependencies;
    const mark = BY_MESSAGE.get(message);
    if (mark !== undefined) marks.sometimes(mark);
    if (message === "leadership") this.#leadership(facts);
    if (message.includes("repair mode")) marks.sometimes("repair mode was entered");
    if (message === "the disk has not synced for an election timeout" && facts["leading"] === true)
      this.#stalledLeading = true;
    if (facts["why"] === "its sender does not hold it any more")
      marks.sometimes("a snapshot's sender did not hold it any more");
  }

  #leadership({ role, term, established }: LogFacts): void {
    const { marks } = this.dependencies;
    const [before, termBefore] = [this.#role, this.#term];
    if (role === "follower" && before === "pre-candidate" && term === termBefore)
      marks.sometimes("a campaign ended at the pre-vote");
    if (role === "follower" && before === "candidate") marks.sometimes("an election was lost");
    if (role !== "leader" && before === "leader") {
      marks.sometimes("a leader was deposed");
      if (!this.#established) marks.sometimes("a leader was deposed before its first commit");
      if (this.#stalledLeading)
        marks.sometimes("a disk stalled under a leader, and another member led before it synced");
    }
    if (role !== "leader") this.#stalledLeading = false;
    this.#role = String(role);
    this.#term = Number(term);
    this.#established = established === true;
  }
}
