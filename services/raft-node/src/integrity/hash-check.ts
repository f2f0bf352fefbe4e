import { hexId, type Clock } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import type { Logger } from "@quorate/telemetry";
import type { Transport } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";
import type { NodeView } from "../actors/raft-actor";
import { askHashes, type HashPlace } from "./hash-round";
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

/** A member that starts must not keep its clients waiting for peers that say nothing. */
const INITIAL_TIMEOUT_MS = 10_000;

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
    this.#compare(place);
  }

  /**
   * Before a member serves: compares its state with that of the others.
   *
   * @param done Called once, with what is wrong if a majority has another state.
   */
  initially(done: (why: string | undefined) => void): void {
    const { raft, position } = this.dependencies.view();
    const { incoming, learners } = raft.configuration;
    const { memberId } = this.options;
    const members = [...new Set([...incoming, ...learners, memberId])];
    askHashes(
      members,
      position,
      this.dependencies,
      (hashes) => {
        const verdict = judgeHashes(incoming, hashes);
        const isWrong = verdict.kind === "minority" && verdict.members.includes(memberId);
        this.dependencies.logger.info("compared the state with that of the others before serving", {
          revision: position.revision,
          compared: hashes.size,
          unchecked: members.length - hashes.size,
          verdict: verdict.kind,
        });
        done(isWrong ? `at revision ${position.revision} a majority holds other key-values` : undefined);
      },
      INITIAL_TIMEOUT_MS,
    );
  }

  #compare(place: HashPlace): void {
    const { logger, view } = this.dependencies;
    const { incoming, learners } = view().raft.configuration;
    const members = [...incoming, ...learners];
    this.#isRunning = true;
    askHashes(members, place, this.dependencies, (hashes) => {
      this.#isRunning = false;
      this.#rounds += 1;
      const { role, configuration } = view().raft;
      const verdict = judgeHashes(configuration.incoming, hashes);
      const unchecked = members.filter((member) => !hashes.has(member)).map(hexId);
      const facts = { revision: place.revision, compared: hashes.size, unchecked: unchecked.join(" ") };
      if (verdict.kind === "equal")
        return logger.info("members hold the same, as far as they were compared", facts);
      logger.error("members hold different key-values", { ...facts, verdict: verdict.kind });
      if (role !== "leader") return; // whoever leads now compares again
      this.dependencies.judged(
        verdict,
        `key-values differ at revision ${place.revision}: HashKV is not equal`,
      );
    });
  }
}
