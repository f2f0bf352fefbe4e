import { VirtualTime } from "@quorate/actor";
import type { LeaseId, LeaseRecord } from "@quorate/lease";
import type { Revision } from "@quorate/mvcc";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import type { AppliedPosition, Command, LeaseChange } from "@quorate/state-machine";
import { NO_TRACER } from "@quorate/telemetry";
import {
  decodeCommandBatch,
  decodeLeaseResponse,
  etcdserverpb,
  type LeaseQuery,
  type NodeAnswer,
} from "@quorate/wire";
import type { ApplierMessage } from "../actors/applier-actor";
import { LessorActor } from "../actors/lessor-actor";
import type { RaftMessage } from "../actors/raft-actor";

type Confirm = Extract<RaftMessage, { kind: "confirm" }>;
type Propose = Extract<RaftMessage, { kind: "propose" }>;

/** Unless a spec says otherwise: the term in which it leads, itself, and the one lease that there is. */
export const TERM = 5 as Term;
export const SELF = 1n as MemberId;
export const LEASE = 7n as LeaseId;
export const TTL_MS = 10_000;

/** The lessor of a member whose Raft and applier do what the spec says. */
export class LessorBench {
  readonly time = new VirtualTime();
  readonly confirms: Confirm[] = [];
  readonly proposals: Propose[] = [];
  readonly applierMessages: ApplierMessage[] = [];
  readonly lessor: LessorActor;
  #index = 10;

  constructor() {
    this.lessor = new LessorActor(
      { clusterId: 1n, memberId: SELF, electionTimeoutMs: 1000 },
      {
        raft: {
          tell: (message) => {
            if (message.kind === "confirm") this.confirms.push(message);
            else if (message.kind === "propose") this.proposals.push(message);
          },
        },
        applier: { tell: (message) => void this.applierMessages.push(message) },
        clock: this.time,
        tracer: NO_TRACER,
        position: this.position,
      },
    );
  }

  get position(): AppliedPosition {
    const revision = 3 as Revision;
    return { index: this.#index, term: TERM, revision, compactRevision: -1 as Revision, effectHash: 0 };
  }

  /** Begins to lead, with these leases. */
  lead(leases: readonly Partial<LeaseRecord>[] = [{}], term = TERM): this {
    this.leadership("leader", term, true);
    this.lessor.receive({ kind: "lease-list", term, leases: leases.map(record) });
    return this;
  }

  leadership(role: "leader" | "follower", term: Term, established: boolean): void {
    const leadership = { role, term, leader: role === "leader" ? SELF : undefined, established };
    this.lessor.receive({ kind: "leadership", leadership, commit: 10 as LogIndex });
  }

  ask(...queries: LeaseQuery[]): { answer: NodeAnswer | undefined } {
    const seen: { answer: NodeAnswer | undefined } = { answer: undefined };
    const answer = (response: Uint8Array): void => void (seen.answer = decodeLeaseResponse(response));
    this.lessor.receive({ kind: "ask", queries, asker: { answer, span: undefined } });
    return seen;
  }

  /** A quorum answers the last round, or `fail`: none does. */
  confirm(index = this.#index): void {
    this.confirms.at(-1)!.settled(index as LogIndex);
  }

  fail(): void {
    this.confirms.at(-1)!.settled(undefined);
  }

  apply(...changes: LeaseChange[]): void {
    this.#index += 1;
    this.lessor.receive({ kind: "applied", position: this.position, changes });
  }

  tick(): void {
    this.lessor.receive({ kind: "tick" });
  }

  get proposed(): Command[] {
    return this.proposals.flatMap(({ data }) => decodeCommandBatch(data));
  }
}

function record(fields: Partial<LeaseRecord>): LeaseRecord {
  return { id: LEASE, ttlSeconds: TTL_MS / 1000, sequence: 4, remainingSeconds: 0, ...fields };
}

/** What a renewal was answered: a TTL in seconds, why it was refused, or nothing yet. */
export function ttlOf({ answer }: { answer: NodeAnswer | undefined }): number | string | undefined {
  if (answer === undefined) return undefined;
  if (answer.kind === "refused") return answer.refusal.reason;
  const [result] = answer.results;
  return result!.ok ? Number(etcdserverpb.LeaseKeepAliveResponse.decode(result!.bytes).TTL) : "failed";
}
