import type { Transport } from "@quorate/transport";
import {
  decodeCommandBatch,
  decodeLeaseRequest,
  decodeMaintenanceRequest,
  decodeMembershipOrder,
  decodeProposeRequest,
  decodeReadRequest,
  encodeLeaderNotice,
  encodeLeaseResponse,
  encodeNodeStatus,
  encodeProposeResponse,
  encodeReadResponse,
  etcdserverpb,
  type LeaseQuery,
  type MaintenanceRequest,
  type MembershipOrder,
  type NodeAnswer,
  type NodeStatus,
  type RawCommand,
  type RawRead,
  type RefusalReason,
  type Subjects,
  decodeRawCommandBatch,
  type AnswerAs,
} from "@quorate/wire";
import type { MemberId, Term } from "../actors/leader-view";

export interface SeenProposal {
  readonly expectedTerm: number;
  readonly sequence: number;
  readonly gateway: bigint;
  readonly answerAs: AnswerAs;
  readonly commands: readonly RawCommand[];
  readonly traceparent: string | undefined;
}

export interface SeenRead {
  readonly serializable: boolean;
  readonly reads: readonly RawRead[];
}

export interface SeenLeaseAsk {
  readonly queries: readonly LeaseQuery[];
}

/** What the node does with a request: an answer, or `undefined` for silence. */
export type ProposalScript = (proposal: SeenProposal) => NodeAnswer | undefined;
export type OrderScript = (order: MembershipOrder) => NodeAnswer | undefined;
export type LeaseScript = (ask: SeenLeaseAsk) => NodeAnswer | undefined;
export type ReadScript = (read: SeenRead) => NodeAnswer | undefined;
export type MaintenanceScript = (request: MaintenanceRequest) => NodeAnswer | undefined;

export interface ScriptedNodeOptions {
  readonly member: MemberId;
  /** All members, for its status. Default: itself. */
  readonly members?: readonly MemberId[];
}

/** A raft-node as gateways see it, for specs: it answers on a node's subjects as the script says, and records what it saw. */
export class ScriptedNode {
  readonly proposals: SeenProposal[] = [];
  readonly reads: SeenRead[] = [];
  readonly leaseAsks: SeenLeaseAsk[] = [];
  readonly maintenanceRequests: MaintenanceRequest[] = [];
  readonly orders: MembershipOrder[] = [];
  /** Who leads in its eyes. */
  term = 1 as Term;
  leader: MemberId | undefined;
  propose: ProposalScript = ({ commands }) => acceptAll(commands.length);
  read: ReadScript = ({ reads }) => acceptAll(reads.length);
  lease: LeaseScript = ({ queries }) => acceptAll(queries.length);
  maintenance: MaintenanceScript = () => acceptAll(1);
  order: OrderScript = () => acceptAll(1);
  /** Answer requests for its status? */
  tellsStatus = true;
  /** Active, according to its status. */
  alarms: NodeStatus["alarms"] = [];
  unsafeOptions: readonly string[] = [];

  constructor(
    readonly options: ScriptedNodeOptions,
    private readonly dependencies: { readonly transport: Transport; readonly subjects: Subjects },
  ) {
    const { transport, subjects } = dependencies;
    const { member } = options;
    const answer = (reply: string | undefined, payload: Uint8Array | undefined): void => {
      if (reply !== undefined && payload !== undefined) transport.publish(reply, payload);
    };
    transport.subscribe(subjects.leader, ({ payload }) => {
      if (payload.length === 0) this.announce();
    });
    transport.subscribe(subjects.node(member, "propose"), ({ payload, reply, headers }) => {
      const { batch, ...request } = decodeProposeRequest(new Uint8Array(payload));
      decodeCommandBatch(batch);
      const commands = decodeRawCommandBatch(batch);
      const { answerAs } = request;
      const proposal = { ...request, answerAs, commands, traceparent: headers?.["traceparent"] };
      this.proposals.push(proposal);
      const scripted = this.propose(proposal);
      answer(reply, scripted && encodeProposeResponse(scripted));
    });
    transport.subscribe(subjects.node(member, "read"), ({ payload, reply }) => {
      const read = decodeReadRequest(new Uint8Array(payload));
      this.reads.push(read);
      const scripted = this.read(read);
      answer(reply, scripted && encodeReadResponse(scripted));
    });
    transport.subscribe(subjects.node(member, "lease"), ({ payload, reply }) => {
      const ask = decodeLeaseRequest(new Uint8Array(payload));
      this.leaseAsks.push(ask);
      const scripted = this.lease(ask);
      answer(reply, scripted && encodeLeaseResponse(scripted));
    });
    transport.subscribe(subjects.node(member, "maintenance"), ({ payload, reply }) => {
      const request = decodeMaintenanceRequest(new Uint8Array(payload));
      this.maintenanceRequests.push(request);
      const scripted = this.maintenance(request);
      answer(reply, scripted && encodeReadResponse(scripted));
    });
    transport.subscribe(subjects.node(member, "membership"), ({ payload, reply }) => {
      const order = decodeMembershipOrder(new Uint8Array(payload));
      this.orders.push(order);
      const scripted = this.order(order);
      answer(reply, scripted && encodeProposeResponse(scripted));
    });
    transport.subscribe(subjects.node(member, "status"), ({ reply }) => {
      if (this.tellsStatus) answer(reply, encodeNodeStatus(this.status()));
    });
  }

  /** Says on the leader subject what it believes. */
  announce(): void {
    const { transport, subjects } = this.dependencies;
    const { term, leader } = this;
    transport.publish(
      subjects.leader,
      encodeLeaderNotice({ sender: this.options.member, term, leader, member: undefined }),
    );
  }

  async disconnect(): Promise<void> {
    await this.dependencies.transport[Symbol.asyncDispose]();
  }

  leads(term: number): void {
    this.follows(this.options.member, term);
  }

  follows(leader: MemberId | undefined, term: number): void {
    this.term = term as Term;
    this.leader = leader;
    this.announce();
  }

  status(): NodeStatus {
    const { member, members } = this.options;
    return {
      clusterId: 0xc1n,
      memberId: member,
      term: this.term,
      leader: this.leader,
      lastIndex: 12,
      commitIndex: 11,
      appliedIndex: 10,
      revision: 7,
      compactRevision: -1,
      dbSizeBytes: 4096,
      storedBytes: 1024,
      quotaBytes: 1 << 30,
      alarms: this.alarms,
      effectHash: 0,
      members: (members ?? [member]).map((id) => ({
        id,
        name: `member-${id}`,
        peerUrls: [`nats://${id}`],
        clientUrls: [`http://10.0.0.${id}:2379`],
        learner: false,
      })),
      version: "0.1.0",
      incarnation: 1,
      unsafeOptions: this.unsafeOptions,
    } as unknown as NodeStatus;
  }
}

/** An answer with one recognisable response per command: a PutResponse whose revision is `first`, `first` + 1, … */
export function acceptAll(count: number, first = 2): NodeAnswer {
  const results = Array.from({ length: count }, (_, at) => ({
    ok: true as const,
    bytes: responseAt(first + at),
  }));
  return { kind: "results", results };
}

export function responseAt(revision: number): Uint8Array {
  return etcdserverpb.PutResponse.encode({ header: { revision } }).finish();
}

export function refuse(reason: RefusalReason, term: number, leader: MemberId | undefined): NodeAnswer {
  return { kind: "refused", refusal: { reason, term: term as Term, leader } };
}
