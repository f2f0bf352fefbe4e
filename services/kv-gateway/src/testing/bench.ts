import { VirtualTime } from "@quorate/actor";
import { seededPrng, utf8 } from "@quorate/base";
import { MemoryNetwork, type Transport } from "@quorate/transport";
import { etcdserverpb, parseClusterName, Subjects } from "@quorate/wire";
import { LeaderTracker } from "../actors/leader-tracker";
import type { MemberId } from "../actors/leader-view";
import { MemberDirectory } from "../actors/member-directory";
import { NodeQueries } from "../actors/node-queries";
import {
  PendingCall,
  type CallKind,
  type CallOutcome,
  type ReadCall,
  type WriteCall,
} from "../actors/pending-call";
import { TimeoutCause } from "../actors/timeout-cause";
import { ScriptedNode } from "./scripted-node";

/** What came of a call, as short as a spec wants to compare it. */
export type Seen = { readonly ok: Uint8Array } | { readonly code: string; readonly unknown: boolean };

/** One gateway's actors under virtual time, with scripted nodes on a network in memory. */
export class Bench {
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork({}, { clock: this.time, scheduler: this.time, prng: seededPrng(7) });
  readonly subjects = new Subjects(parseClusterName("c1"));
  readonly transport = this.network.connect("gateway");
  readonly tracker = new LeaderTracker(
    { askIntervalMs: 200 },
    { transport: this.transport, subjects: this.subjects, clock: this.time },
  );
  readonly timeoutCause = new TimeoutCause(
    { electionTimeoutMs: 1000 },
    { tracker: this.tracker, transport: this.transport, clock: this.time },
  );
  readonly queries = new NodeQueries({ transport: this.transport, subjects: this.subjects });
  readonly directory = new MemberDirectory(
    { homeMember: undefined, refreshMs: 5000, answerMs: 500 },
    { queries: this.queries, tracker: this.tracker, clock: this.time },
  );

  /** Nodes with the ids 1, 2, …, of which none leads yet. */
  nodes(count: number): ScriptedNode[] {
    const members = Array.from({ length: count }, (_, at) => memberId(at + 1));
    return members.map(
      (member) =>
        new ScriptedNode(
          { member, members },
          { transport: this.connect(`node-${member}`), subjects: this.subjects },
        ),
    );
  }

  connect(name: string): Transport {
    return this.network.connect(name);
  }

  /** Lets everything happen that needs no time. */
  settle(): void {
    this.time.advance(0);
  }

  put(
    key: string,
    timeoutMs = 7000,
    value = utf8("v"),
  ): { readonly call: WriteCall; seen: Seen | undefined } {
    const bytes = etcdserverpb.PutRequest.encode({ key: utf8(key), value }).finish();
    return this.#call("put", bytes, timeoutMs);
  }

  range(key: string, timeoutMs = 7000): { readonly call: ReadCall; seen: Seen | undefined } {
    return this.#call("range", etcdserverpb.RangeRequest.encode({ key: utf8(key) }).finish(), timeoutMs);
  }

  #call<K extends CallKind>(
    kind: K,
    bytes: Uint8Array,
    timeoutMs: number,
  ): { readonly call: PendingCall<K>; seen: Seen | undefined } {
    const startedAt = this.time.now();
    const result: { call: PendingCall<K>; seen: Seen | undefined } = {
      seen: undefined,
      call: new PendingCall({
        kind,
        bytes,
        startedAt,
        deadline: startedAt + timeoutMs,
        reply: (outcome) => (result.seen = seenOf(outcome)),
      }),
    };
    return result;
  }
}

export function memberId(id: number): MemberId {
  return BigInt(id) as MemberId;
}

function seenOf(outcome: CallOutcome): Seen {
  // Copied, since the bytes are only lent.
  if (outcome.kind === "ok") return { ok: new Uint8Array(outcome.bytes) };
  return { code: outcome.failure.code, unknown: outcome.failure.unknownOutcome };
}
