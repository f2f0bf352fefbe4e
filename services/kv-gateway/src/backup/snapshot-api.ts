import type { Clock } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import type { Subjects } from "@quorate/wire";
import type { LeaderTracker } from "../actors/leader-tracker";
import type { MemberId } from "../actors/leader-view";
import type { MemberDirectory } from "../actors/member-directory";
import type { NodeQueries } from "../actors/node-queries";
import { definite } from "../api/request-failure";
import type { StreamMethod } from "../api/stream-method";
import { SnapshotStream } from "./snapshot-stream";

export interface SnapshotApiOptions {
  /** The member this gateway stands for; undefined for a gateway of the whole cluster, which asks a follower. */
  readonly homeMember: MemberId | undefined;
  /** Where snapshots are put together before they are sent. */
  readonly directory: string;
  /** Snapshots that are made at once: each takes disk space, and some 40 MiB of memory. */
  readonly snapshotsMax: number;
}

export interface SnapshotApiDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly queries: NodeQueries;
  readonly directory: MemberDirectory;
  readonly tracker: LeaderTracker;
  /** 53 random bits at each call. */
  readonly drawTransfer: () => number;
}

/** `Maintenance.Snapshot`: the whole store as a file that etcd's tools read, in messages of 32 KiB and a digest behind them. */
export class SnapshotApi {
  readonly #streams = new Set<SnapshotStream>();

  constructor(
    private readonly options: SnapshotApiOptions,
    private readonly dependencies: SnapshotApiDependencies,
  ) {}

  readonly snapshot: StreamMethod = (context, sink) => {
    let stream: SnapshotStream | undefined;
    return {
      receive: () => {
        if (stream !== undefined) return;
        if (context.requireLeader && this.dependencies.tracker.leader === undefined)
          return sink.end(definite("no-leader"));
        if (this.#streams.size >= this.options.snapshotsMax) return sink.end(definite("too-many-requests"));
        const { directory } = this.options;
        const begun = new SnapshotStream(
          { directory, candidates: this.#candidates() },
          { ...this.dependencies, sink, ended: () => void this.#streams.delete(begun) },
        );
        this.#streams.add(begun);
        stream = begun;
        begun.start();
      },
      endOfRequests: () => undefined,
      drained: () => stream?.drained(),
      cancel: () => stream?.cancel(),
    };
  };

  /** Ends what runs. */
  close(): void {
    for (const stream of [...this.#streams]) stream.stop();
  }

  /** The home member alone; or followers before the leader, which has more to do. Learners last. */
  #candidates(): readonly MemberId[] {
    const { homeMember } = this.options;
    if (homeMember !== undefined) return [homeMember];
    const { directory, tracker } = this.dependencies;
    const leader = tracker.leader?.member;
    const { voters, all } = directory;
    const followers = voters.filter((member) => member !== leader);
    return [...new Set([...followers, ...voters, ...all])];
  }
}
