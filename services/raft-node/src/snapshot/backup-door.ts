import type { ActorRef } from "@quorate/actor";
import type { MemberId } from "@quorate/raft";
import type { InboundMessage, Subscription, Transport } from "@quorate/transport";
import { decodeBackupRequest, DecodeError, type BackupRequest, type Subjects } from "@quorate/wire";
import type { SnapshotMessage, SnapshotReport } from "./snapshot-messages";

export interface BackupDoorOptions {
  readonly memberId: MemberId;
  /** Requests that may wait at once; more are not answered, and asked again. */
  readonly requestsMax: number;
}

export interface BackupDoorDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
  readonly applier: ActorRef<SnapshotMessage>;
}

/** Where gateways ask for chunks of this member's state, to make a backup of them. */
export class BackupDoor {
  readonly #waiting = new Map<number, string>();
  #subscription: Subscription | undefined;
  #nextId = 1;

  constructor(
    private readonly options: BackupDoorOptions,
    private readonly dependencies: BackupDoorDependencies,
  ) {}

  /** Calling it again does nothing. */
  open(): void {
    const { transport, subjects } = this.dependencies;
    this.#subscription ??= transport.subscribe(subjects.node(this.options.memberId, "backup"), (message) =>
      this.#receive(message),
    );
  }

  close(): void {
    this.#subscription?.unsubscribe();
    this.#waiting.clear();
  }

  report({ id, chunk }: Extract<SnapshotReport, { kind: "backup-chunk" }>): void {
    const reply = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (reply !== undefined) this.dependencies.transport.publish(reply, chunk);
  }

  #receive({ payload, reply }: InboundMessage): void {
    const { applier } = this.dependencies;
    const request = decoded(payload);
    if (request?.kind === "close") return applier.tell({ kind: "backup-close", transfer: request.transfer });
    if (request === undefined || reply === undefined || this.#waiting.size >= this.options.requestsMax)
      return;
    const id = this.#nextId;
    this.#nextId += 1;
    this.#waiting.set(id, reply);
    applier.tell({ kind: "backup-read", id, transfer: request.transfer, sequence: request.sequence });
  }
}

function decoded(payload: Uint8Array): BackupRequest | undefined {
  try {
    return decodeBackupRequest(payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
