import { EMPTY_BYTES } from "@quorate/base";
import { CLUSTER_VERSION_MAX } from "../cluster-version";
import type { CommandOutcome, StateBatch } from "../types";
import { changeMembership } from "./change-membership";
import type { Membership, MembershipRequest } from "./membership";
import { encodeMembership, storeMembership } from "./membership-row";

/** The membership during one apply batch. */
export class MembershipSession {
  #membership: Membership;
  #asked = false;
  #changed = false;
  #changedInEntry = false;

  constructor(
    membership: Membership,
    private readonly clusterVersionMax = CLUSTER_VERSION_MAX,
  ) {
    this.#membership = membership;
  }

  get membership(): Membership {
    return this.#membership;
  }

  /** The membership if any command of the batch was about it, whether or not it was carried out. */
  get reported(): Membership | undefined {
    return this.#asked ? this.#membership : undefined;
  }

  run(request: MembershipRequest): CommandOutcome {
    this.#asked = true;
    const result = changeMembership(this.#membership, request, this.clusterVersionMax);
    if (!result.ok) return result;
    if (result.membership !== this.#membership) this.#changed = this.#changedInEntry = true;
    this.#membership = result.membership;
    return { ok: true, response: { kind: "membership", response: { membership: result.membership } } };
  }

  /** What the effect hash covers: the membership after the entry, if the entry changed it. */
  takeEffects(): Uint8Array {
    const changed = this.#changedInEntry;
    this.#changedInEntry = false;
    return changed ? encodeMembership(this.#membership) : EMPTY_BYTES;
  }

  flush(batch: StateBatch): void {
    if (this.#changed) storeMembership(batch, this.#membership);
  }
}
