import type { ActorRef } from "@quorate/actor";
import type { MemberId } from "@quorate/raft";
import type { InboundMessage, Subscription, Transport } from "@quorate/transport";
import {
  decodeMaintenanceRequest,
  DecodeError,
  encodeReadResponse,
  type MaintenanceRequest,
  type RefusalReason,
  type Subjects,
} from "@quorate/wire";
import type { ApplierMessage, MaintenanceReport } from "./actors/applier-actor";
import type { NodeView } from "./actors/raft-actor";

export interface MaintenanceDoorOptions {
  readonly memberId: MemberId;
  /** Requests that may wait for their answer at once; more are refused as overloaded. */
  readonly requestsMax: number;
}

export interface MaintenanceDoorDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly applier: ActorRef<ApplierMessage>;
  readonly view: () => NodeView;
}

/** What this member is asked about itself, and may take long: hashes, and when it has deleted what was compacted. */
export class MaintenanceDoor {
  #subscription: Subscription | undefined;
  readonly #replies = new Map<number, string>();
  #nextId = 1;

  constructor(
    private readonly options: MaintenanceDoorOptions,
    private readonly dependencies: MaintenanceDoorDependencies,
  ) {}

  /** Calling it again does nothing. */
  open(): void {
    if (this.#subscription !== undefined) return;
    const { transport, subjects } = this.dependencies;
    const subject = subjects.node(this.options.memberId, "maintenance");
    this.#subscription = transport.subscribe(subject, (message) => this.#ask(message));
  }

  close(): void {
    this.#subscription?.unsubscribe();
    this.#replies.clear();
  }

  report({ id, response }: MaintenanceReport): void {
    const reply = this.#replies.get(id);
    this.#replies.delete(id);
    if (reply !== undefined) this.dependencies.transport.publish(reply, response);
  }

  #ask({ payload, reply }: InboundMessage): void {
    if (reply === undefined) return;
    const request = readable(payload);
    if (request === undefined) return this.#refuse(reply, "malformed");
    if (this.#replies.size >= this.options.requestsMax) return this.#refuse(reply, "overloaded");
    const { applier, view } = this.dependencies;
    const id = this.#nextId;
    this.#nextId += 1;
    this.#replies.set(id, reply);
    applier.tell({ kind: "maintenance", id, raftTerm: view().raft.term, ...request });
  }

  #refuse(reply: string, reason: RefusalReason): void {
    const { term, leader } = this.dependencies.view().raft;
    const refusal = { reason, term, leader };
    this.dependencies.transport.publish(reply, encodeReadResponse({ kind: "refused", refusal }));
  }
}

function readable(payload: Uint8Array): MaintenanceRequest | undefined {
  try {
    return decodeMaintenanceRequest(payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
