import type { ActorRef } from "@quorate/actor";
import type { MemberId } from "@quorate/raft";
import type { InboundMessage, Subscription, Transport } from "@quorate/transport";
import {
  DecodeError,
  decodeSnapshotChunkRequest,
  senderOf,
  type SnapshotChunkRequest,
  type Subjects,
} from "@quorate/wire";
import type { SnapshotMessage, SnapshotReport } from "./snapshot-messages";

export interface SnapshotDoorOptions {
  readonly clusterId: bigint;
  readonly memberId: MemberId;
  /** Requests that may wait at once; more are not answered, and asked again. */
  readonly requestsMax: number;
}

export interface SnapshotDoorDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly applier: ActorRef<SnapshotMessage>;
}

/** Where other members ask for chunks of this one's state. Who asks is told by the subject, which the broker vouches for. */
export class SnapshotDoor {
  readonly #waiting = new Map<number, string>();
  #subscription: Subscription | undefined;
  #nextId = 1;

  constructor(
    private readonly options: SnapshotDoorOptions,
    private readonly dependencies: SnapshotDoorDependencies,
  ) {}

  open(): void {
    const { transport, subjects } = this.dependencies;
    const inbox = subjects.snapshotFromAny(this.options.memberId);
    this.#subscription = transport.subscribe(inbox, (message) => this.#receive(message));
  }

  close(): void {
    this.#subscription?.unsubscribe();
    this.#waiting.clear();
  }

  report({ id, chunk }: Extract<SnapshotReport, { kind: "snapshot-chunk" }>): void {
    const reply = this.#waiting.get(id);
    if (reply === undefined) return;
    this.#waiting.delete(id);
    if (chunk !== undefined) this.dependencies.transport.publish(reply, chunk);
  }

  #receive({ subject, payload, reply }: InboundMessage): void {
    const to = senderOf(subject) as MemberId | undefined;
    const request = decoded(payload);
    if (to === undefined || reply === undefined || request?.clusterId !== this.options.clusterId) return;
    if (this.#waiting.size >= this.options.requestsMax) return;
    const id = this.#nextId;
    this.#nextId += 1;
    this.#waiting.set(id, reply);
    const { transfer, sequence } = request;
    this.dependencies.applier.tell({ kind: "snapshot-read", id, to, transfer, sequence });
  }
}

function decoded(payload: Uint8Array): SnapshotChunkRequest | undefined {
  try {
    return decodeSnapshotChunkRequest(payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
