import { brokerCheck, instantCheck, type HealthCheck } from "@quorate/probes";
import type { MemberId } from "@quorate/raft";
import type { Transport } from "@quorate/transport";
import { DecodeError, decodeNodeStatus, type NodeStatus, type Subjects } from "@quorate/wire";

export interface ReadinessOptions {
  readonly memberId: MemberId;
  /** Committed entries that it may still have to apply. */
  readonly lagEntriesMax: number;
  /** How long the leader may take to tell where it stands, in milliseconds. */
  readonly answerMs: number;
}

export interface ReadinessDependencies {
  readonly status: () => Pick<NodeStatus, "leader" | "appliedIndex" | "commitIndex">;
  /** Whether its doors are open: it has a whole state and a whole log. */
  readonly isServing: () => boolean;
  readonly transport: Pick<Transport, "status" | "request">;
  readonly subjects: Pick<Subjects, "node">;
}

/** The checks of one member. */
export interface Readiness {
  readonly broker: HealthCheck;
  /** What there is to know of the member itself, wherever its process is looked at. */
  readonly member: readonly HealthCheck[];
}

/**
 * Whether a member may be counted on, so that the next one may be stopped. What it knows to be committed does not tell: one that
 * joins, or was away for long, has applied all of the little it knows. So the leader is asked how far the cluster is, and a leader that
 * does not answer leads nobody.
 */
export function nodeReadiness(options: ReadinessOptions, dependencies: ReadinessDependencies): Readiness {
  const { memberId, lagEntriesMax, answerMs } = options;
  const { status, isServing, transport, subjects } = dependencies;
  const lagFault = (committed: number): string | undefined => {
    const lag = committed - status().appliedIndex;
    return lag > lagEntriesMax ? `${lag} entries behind the leader` : undefined;
  };
  const caughtUp: HealthCheck = {
    name: "caught_up",
    run: (verdict) => {
      const { leader, commitIndex } = status();
      if (leader === undefined) return verdict("no leader is known");
      if (leader === memberId) return verdict(lagFault(commitIndex));
      const ask = subjects.node(leader, "status");
      transport.request(ask, new Uint8Array(0), { timeoutMs: answerMs }, (result) => {
        const committed = result.kind === "answer" ? committedOf(result.payload) : undefined;
        verdict(committed === undefined ? "the leader does not answer" : lagFault(committed));
      });
    },
  };
  const serving = instantCheck("serving", () =>
    isServing() ? undefined : "its log or its state has a hole, or is still being compared with the others'",
  );
  return { broker: brokerCheck(() => transport.status), member: [serving, caughtUp] };
}

/** Of its sender; `undefined` if that cannot be read. */
function committedOf(payload: Uint8Array): number | undefined {
  try {
    return decodeNodeStatus(payload).commitIndex;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
