import { EMPTY_BYTES } from "@quorate/base";
import type { Subscription, Transport } from "@quorate/transport";
import { decodeLeaderNotice, DecodeError, type LeaderNotice, type Subjects } from "@quorate/wire";

export type MemberId = LeaderNotice["sender"];

/** Which nodes there are and who leads, from what they say of it. */
export class NodeDirectory {
  readonly #notices = new Map<MemberId, LeaderNotice>();
  readonly #subscription: Subscription;

  constructor(
    private readonly dependencies: {
      readonly transport: Transport;
      readonly subjects: Subjects;
      /** Another leader than before, or the first. */
      readonly leaderChanged: () => void;
    },
  ) {
    const { transport, subjects } = dependencies;
    this.#subscription = transport.subscribe(subjects.leader, ({ payload }) => this.#hear(payload));
  }

  /** Everyone who was ever heard, in the order of first being heard. */
  get members(): readonly MemberId[] {
    return [...this.#notices.keys()];
  }

  /** Whom the notice of the highest term names; only a preference hangs on it. */
  get leader(): MemberId | undefined {
    let newest: LeaderNotice | undefined;
    for (const notice of this.#notices.values()) {
      if (notice.leader !== undefined && (newest === undefined || notice.term > newest.term)) newest = notice;
    }
    return newest?.leader;
  }

  /** Lets every node say again what it knows. */
  ask(): void {
    this.dependencies.transport.publish(this.dependencies.subjects.leader, EMPTY_BYTES);
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  #hear(payload: Uint8Array): void {
    if (payload.length === 0) return; // somebody asks
    let notice: LeaderNotice;
    try {
      notice = decodeLeaderNotice(payload);
    } catch (error) {
      if (error instanceof DecodeError) return;
      throw error;
    }
    const known = this.#notices.get(notice.sender);
    if (known !== undefined && known.term > notice.term) return; // late
    const before = this.leader;
    this.#notices.set(notice.sender, notice);
    if (this.leader !== before) this.dependencies.leaderChanged();
  }
}
