import { hexId, type Clock } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import type { Logger } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";
import type { NodeView } from "../actors/raft-actor";
import { askHashes, type HashKind, type HashPlace } from "./hash-round";
import { judgeHashes, type HashVerdict } from "./hash-verdict";

export interface HashCheckOptions {
  readonly memberId: MemberId;
  /** How often the leader compares all members; `undefined`: never. */
  readonly everyMs: number | undefined;
}

export interface HashCheckDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly view: () => NodeView;
  /** Told unless all hashes that could be had are equal. */
  readonly judged: (verdict: HashVerdict, why: string) => void;
}

/** How long a member is given to hash its key-values beside its work: gigabytes take minutes. */
const HASH_TIMEOUT_MS = 15 * 60_000;
/** A member that starts must not keep its clients waiting for peers that say nothing. */
const INITIAL_TIMEOUT_MS = 10_000;
const INITIAL_RETRY_MS = 2000;

/**
 * Compares what members hold, read from their disks: that finds what the effect hash cannot see, rows that have changed since
 * they were written. Every member hashes the key-values up to one revision in the background of its work.
 */
export class HashCheck {
  #next: number;
  #isRunning = false;
  #rounds = 0;
  /** Where the store stood at the last look: by now every member that keeps up has applied it. */
  #place: HashPlace | undefined;

  constructor(
    private readonly options: HashCheckOptions,
    private readonly dependencies: HashCheckDependencies,
  ) {
    this.#next = dependencies.clock.now() + (options.everyMs ?? Infinity);
  }

  /** Comparisons that were finished since the start. */
  get rounds(): number {
    return this.#rounds;
  }

  tick(): void {
    const { clock, view } = this.dependencies;
    const { raft, position } = view();
    const place = this.#place;
    this.#place = position;
    if (raft.role !== "leader" || !raft.established || place === undefined) return;
    const isUsable =
      place.compactRevision === position.compactRevision && raft.configuration.incoming.length > 1;
    if (this.#isRunning || !isUsable || clock.now() < this.#next) return;
    this.#next = clock.now() + (this.options.everyMs ?? Infinity);
    this.#begin(place);
  }

  /**
   * Before a member serves: compares its state with that of the others, again and again while some differ and no majority is
   * known.
   *
   * @param done Called once, with what is wrong if a majority has another state.
   */
  initially(done: (why: string | undefined) => void): void {
    const { logger, view, clock } = this.dependencies;
    const { raft, position } = view();
    const { memberId } = this.options;
    const members = [...new Set([...raft.configuration.incoming, memberId])];
    this.#compare(members, position, INITIAL_TIMEOUT_MS, ({ verdict, unchecked }) => {
      logger.info("compared the state with that of the others before serving", {
        revision: position.revision,
        unchecked: unchecked.map(hexId).join(" "),
        verdict: verdict.kind,
      });
      if (verdict.kind === "undecided") {
        clock.setTimer(INITIAL_RETRY_MS, () => this.initially(done));
        return;
      }
      const isWrong = verdict.kind === "minority" && verdict.members.includes(memberId);
      done(isWrong ? differenceAt(position) : undefined);
    });
  }

  #begin(place: HashPlace): void {
    const { logger, view, judged } = this.dependencies;
    const { incoming, learners } = view().raft.configuration;
    this.#isRunning = true;
    this.#compare([...incoming, ...learners], place, HASH_TIMEOUT_MS, ({ verdict, unchecked }) => {
      this.#isRunning = false;
      this.#rounds += 1;
      const facts = { revision: place.revision, unchecked: unchecked.map(hexId).join(" ") };
      if (verdict.kind === "equal") return logger.info("all members that were compared hold the same", facts);
      logger.error("members hold different key-values", { ...facts, verdict: verdict.kind });
      if (view().raft.role === "leader") judged(verdict, differenceAt(place)); // or whoever leads now compares again
    });
  }

  /** What can be read, and if that is equal the history before it. */
  #compare(
    members: readonly MemberId[],
    place: HashPlace,
    timeoutMs: number,
    done: (comparison: Comparison) => void,
  ): void {
    const compare = (kind: HashKind, told: (comparison: Comparison) => void): void => {
      askHashes(members, kind, place, this.dependencies, timeoutMs, (hashes) => {
        const verdict = judgeHashes(this.dependencies.view().raft.configuration.incoming, hashes);
        told({ verdict, unchecked: members.filter((member) => !hashes.has(member)) });
      });
    };
    compare("hash-state", (state) => {
      if (state.verdict.kind === "equal") compare("hash-kv", done);
      else done(state);
    });
  }
}

interface Comparison {
  readonly verdict: HashVerdict;
  readonly unchecked: readonly MemberId[];
}

function differenceAt({ revision }: HashPlace): string {
  return `key-values differ at revision ${revision}: their hashes are not equal`;
}
