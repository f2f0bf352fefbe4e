import type { MemberId } from "@quorate/raft";
import type { AppliedPosition } from "@quorate/state-machine";
import type { Transport } from "@quorate/transport";
import type { EffectDigest, IntegrityNote, IntegrityStatus, Subjects } from "@quorate/wire";
import type { AlarmClearing } from "../actors/quota-actor";
import { CorruptionDesk, type CorruptionDeskDependencies } from "./corruption-desk";
import { HashCheck } from "./hash-check";
import type { ScrubReport } from "./scrub";

/** How a member's data are checked while it runs; times are in milliseconds. */
export interface IntegrityOptions {
  /** How often the leader compares HashKV of all members; `undefined`: never. */
  readonly corruptCheckMs: number | undefined;
  /** Whether a member compares its state with the others' before it serves. */
  readonly initialCorruptCheck: boolean;
}

export interface IntegrityDependencies extends CorruptionDeskDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
}

/** Everything that looks for damage beside the checks of each read, and what the main thread knows of it. */
export class Integrity {
  readonly #desk: CorruptionDesk;
  readonly #hashCheck: HashCheck;
  #scrubs: Readonly<Record<ScrubReport["database"], number>> = { state: 0, log: 0 };

  constructor(
    private readonly options: IntegrityOptions & {
      readonly memberId: MemberId;
      readonly incarnation: number;
      readonly alarmClearing: AlarmClearing;
    },
    private readonly dependencies: IntegrityDependencies,
  ) {
    this.#desk = new CorruptionDesk(options, dependencies);
    this.#hashCheck = new HashCheck(
      { memberId: options.memberId, everyMs: options.corruptCheckMs },
      { ...dependencies, judged: (verdict, why) => this.#desk.judged(verdict, why) },
    );
  }

  get digest(): EffectDigest | undefined {
    return this.#desk.digest;
  }

  get status(): IntegrityStatus {
    const { state, log } = this.#scrubs;
    return { stateScrubs: state, logScrubs: log, hashChecks: this.#hashCheck.rounds };
  }

  heard(from: MemberId, incarnation: number, note: IntegrityNote): void {
    this.#desk.heard(from, incarnation, note);
  }

  opened(position: AppliedPosition): void {
    this.#desk.opened(position);
  }

  applied(position: AppliedPosition, effectHashes: readonly number[]): void {
    this.#desk.applied(position, effectHashes);
  }

  membershipApplied(removed: readonly MemberId[]): void {
    this.#desk.membershipApplied(removed);
  }

  scrubbed({ database, rows, bytes, tookMs }: ScrubReport): void {
    this.#scrubs = { ...this.#scrubs, [database]: this.#scrubs[database] + 1 };
    this.dependencies.logger.info("scrubbed: everything was read and is sound", {
      database,
      rows,
      bytes,
      tookMs,
    });
  }

  /** @param sound Called once this member may serve, at once unless its state is to be compared first. */
  beforeServing(sound: () => void): void {
    if (!this.options.initialCorruptCheck) return sound();
    this.#hashCheck.initially((why) => {
      if (why === undefined) sound();
      else this.dependencies.damaged(why);
    });
  }

  announce(why: string): void {
    this.#desk.announce(why);
  }

  tick(): void {
    this.#desk.tick();
    this.#hashCheck.tick();
  }
}
