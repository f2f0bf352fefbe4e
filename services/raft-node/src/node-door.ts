import type { ActorRef } from "@quorate/actor";
import type { MemberId, Term } from "@quorate/raft";
import type { Tracer } from "@quorate/telemetry";
import type { InboundMessage, Subscription, Transport } from "@quorate/transport";
import {
  decodeLeaseRequest,
  decodeMembershipOrder,
  decodeProposeRequest,
  decodeReadRequest,
  DecodeError,
  encodeLeaseResponse,
  encodeNodeStatus,
  encodeProposeResponse,
  encodeReadResponse,
  isApplicable,
  type NodeAnswer,
  type NodeStatus,
  type Subjects,
} from "@quorate/wire";
import type { LessorMessage } from "./actors/lessor-actor";
import type { RaftMessage } from "./actors/raft-actor";
import { DeliveryWindow } from "./delivery-window";
import type { Asker } from "./proposals";
import { startRequestSpan } from "./request-span";

export interface NodeDoorDependencies {
  readonly subjects: Subjects;
  readonly transport: Transport;
  readonly raft: ActorRef<RaftMessage>;
  readonly lessor: ActorRef<LessorMessage>;
  readonly tracer: Tracer;
  readonly status: () => NodeStatus;
  /** The one that new entries come under, at least. */
  readonly clusterVersion: () => number;
}

const MALFORMED: NodeAnswer = {
  kind: "refused",
  refusal: { reason: "malformed", term: 0 as Term, leader: undefined },
};

export interface NodeDoorOptions {
  readonly memberId: MemberId;
  /** The term that this member knew of when it was started. */
  readonly startedIn: Term;
}

/** What gateways, fan-outs and agents ask of this node. */
export class NodeDoor {
  readonly #deliveries = new DeliveryWindow();
  #subscriptions: Subscription[] = [];

  constructor(
    private readonly options: NodeDoorOptions,
    private readonly dependencies: NodeDoorDependencies,
  ) {}

  /** Answers what this node is asked about itself, and nothing else. */
  openStatus(): void {
    const { transport, subjects } = this.dependencies;
    this.#subscriptions.push(
      transport.subscribe(subjects.node(this.options.memberId, "status"), (message) => this.#status(message)),
    );
  }

  /** Everything else. */
  open(): void {
    const { memberId } = this.options;
    const { transport, subjects } = this.dependencies;
    this.#subscriptions.push(
      transport.subscribe(subjects.node(memberId, "propose"), (message) => this.#propose(message)),
      transport.subscribe(subjects.node(memberId, "read"), (message) => this.#read(message)),
      transport.subscribe(subjects.node(memberId, "lease"), (message) => this.#lease(message)),
      transport.subscribe(subjects.node(memberId, "membership"), (message) => this.#membership(message)),
    );
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
  }

  #propose(message: InboundMessage): void {
    const asker = this.#asker(message, "propose");
    const request = decoded(() => decodeProposeRequest(message.payload));
    if (request === undefined) return asker.answer(encodeProposeResponse(MALFORMED));
    // First of all: what is refused now must not be taken when it comes again, since its sender has been told.
    if (!this.#deliveries.first(request.gateway, request.sequence)) return;
    // It was delivered before, for all that is known, in the life in which this member led in that term.
    if (request.expectedTerm <= this.options.startedIn) return this.#refuseRestarted(asker);
    // From a gateway that is newer than some member, as a rule: that one could not go on behind it.
    if (!isApplicable(request.batch, this.dependencies.clusterVersion()))
      return asker.answer(encodeProposeResponse(MALFORMED));
    this.dependencies.raft.tell({
      kind: "propose",
      expectedTerm: request.expectedTerm,
      data: Uint8Array.from(request.batch), // the receive buffer is the broker client's
      asker: { ...asker, answerAs: request.answerAs },
    });
  }

  #refuseRestarted(asker: Asker): void {
    const { term, leader } = this.dependencies.status();
    asker.span?.end("restarted");
    asker.answer(encodeProposeResponse({ kind: "refused", refusal: { reason: "restarted", term, leader } }));
  }

  #read(message: InboundMessage): void {
    const asker = this.#asker(message, "read");
    const request = decoded(() => decodeReadRequest(message.payload));
    if (request === undefined) return asker.answer(encodeReadResponse(MALFORMED));
    const { serializable } = request;
    this.dependencies.raft.tell({
      kind: "read",
      serializable,
      request: Uint8Array.from(message.payload),
      asker,
    });
  }

  #lease(message: InboundMessage): void {
    const asker = this.#asker(message, "lease");
    const request = decoded(() => decodeLeaseRequest(message.payload));
    if (request === undefined) return asker.answer(encodeLeaseResponse(MALFORMED));
    const { queries, answerAs } = request;
    if (queries.length === 0) return asker.answer(encodeLeaseResponse({ kind: "results", results: [] }));
    this.dependencies.lessor.tell({ kind: "ask", queries, asker: { ...asker, answerAs } });
  }

  #membership(message: InboundMessage): void {
    const asker: Asker = { ...this.#untraced(message), span: undefined };
    const order = decoded(() => decodeMembershipOrder(message.payload));
    if (order === undefined) return asker.answer(encodeProposeResponse(MALFORMED));
    this.dependencies.raft.tell({ kind: "membership", order, asker });
  }

  #status(message: InboundMessage): void {
    if (message.reply === undefined) return;
    this.dependencies.transport.publish(message.reply, encodeNodeStatus(this.dependencies.status()));
  }

  #asker(message: InboundMessage, name: "propose" | "read" | "lease"): Asker {
    const { tracer } = this.dependencies;
    return { ...this.#untraced(message), span: startRequestSpan(tracer, name, message.headers) };
  }

  #untraced({ reply }: InboundMessage): Pick<Asker, "answer"> {
    const { transport } = this.dependencies;
    return {
      answer: (response) => {
        if (reply !== undefined) transport.publish(reply, response);
      },
    };
  }
}

/** `undefined`: the sender is at fault, and is told so. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
