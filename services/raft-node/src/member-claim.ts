import { hexId, textOf, utf8 } from "@quorate/base";
import type { MemberId } from "@quorate/raft";
import type { Subscription, Transport } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";

export interface MemberClaimOptions {
  readonly memberId: MemberId;
  /** How long a living holder has to answer, in milliseconds. */
  readonly answerWithinMs: number;
  /** Where this process runs, for the other's error message. */
  readonly holder: string;
}

/** Another process answers for this member id. Two of them would vote twice. */
export class MemberClaimedError extends Error {
  override readonly name = "MemberClaimedError";
  readonly code = "member-claimed";

  constructor(memberId: MemberId, holder: string) {
    super(
      `Member ${hexId(memberId)} is already running (${holder}). Stop that process first; ` +
        "two processes with one member id could acknowledge writes that are later lost.",
    );
  }
}

/**
 * One process per member id: asks whether anyone answers for it, and from then on answers for it. The lock of the data
 * directory covers one host; this covers the cluster, as far as the broker reaches.
 *
 * @throws {MemberClaimedError} another process answered.
 */
export async function claimMember(
  options: MemberClaimOptions,
  dependencies: { readonly transport: Transport; readonly subjects: Subjects },
): Promise<Subscription> {
  const { transport, subjects } = dependencies;
  const subject = subjects.claim(options.memberId);
  const holder = await new Promise<string | undefined>((resolve) => {
    transport.request(subject, new Uint8Array(0), { timeoutMs: options.answerWithinMs }, (result) => {
      resolve(result.kind === "answer" ? textOf(result.payload) : undefined);
    });
  });
  if (holder !== undefined) throw new MemberClaimedError(options.memberId, holder);
  return transport.subscribe(subject, ({ reply }) => {
    if (reply !== undefined) transport.publish(reply, utf8(options.holder));
  });
}
