import type { Actor, ActorRef } from "@quorate/actor";
import type { Clock } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { Logger } from "@quorate/telemetry";
import { decodeProposeResponse, encodeCommandBatch, etcdserverpb } from "@quorate/wire";
import type { CompactionSchedule } from "../auto-compaction";
import type { NodeView, RaftMessage } from "./raft-actor";

/** Time to look whether something is to be compacted. */
export type AutoCompactorMessage = { readonly kind: "tick" };

export interface AutoCompactorDependencies {
  readonly schedule: CompactionSchedule;
  readonly raft: ActorRef<RaftMessage>;
  readonly view: () => NodeView;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Compacts the store on its own, while this member leads; as any client would, through the log.
 *
 * An attempt that is refused or never answered is made again at the next look: compacting twice to one revision is
 * harmless, and "already compacted" is what was wanted.
 */
export class AutoCompactorActor implements Actor<AutoCompactorMessage> {
  constructor(private readonly dependencies: AutoCompactorDependencies) {}

  receive(_tick: AutoCompactorMessage): void {
    const { schedule, view, clock } = this.dependencies;
    const { raft, position } = view();
    const target = schedule.look(position.revision, clock.now());
    if (target === undefined || raft.role !== "leader") return;
    if (target <= position.compactRevision) return schedule.succeeded(target, clock.now());
    this.#compact(target);
  }

  #compact(revision: Revision): void {
    const { raft, view, schedule, clock, logger } = this.dependencies;
    const bytes = etcdserverpb.CompactionRequest.encode({ revision }).finish();
    const answer = (response: Uint8Array): void => {
      const failure = failureOf(response);
      if (failure === undefined) {
        schedule.succeeded(revision, clock.now());
        logger.info("compacted automatically", { revision });
      } else logger.warn("automatic compaction failed, and is tried again", { revision, failure });
    };
    raft.tell({
      kind: "propose",
      expectedTerm: view().raft.term,
      data: encodeCommandBatch([{ kind: "compact", bytes }]),
      asker: { answer, span: undefined },
    });
  }
}

/** `undefined` if the store is compacted, by this or by somebody else. */
function failureOf(response: Uint8Array): string | undefined {
  const answer = decodeProposeResponse(response);
  if (answer.kind === "refused") return answer.refusal.reason;
  const [result] = answer.results;
  if (result === undefined) return "no result";
  return result.ok || result.failure.code === "compacted" ? undefined : result.failure.code;
}
