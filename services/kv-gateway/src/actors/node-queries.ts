import type { RequestResult, Transport } from "@quorate/transport";
import {
  decodeNodeStatus,
  decodeReadResponse,
  encodeMaintenanceRequest,
  encodeReadRequest,
  type NodeAnswer,
  type NodeStatus,
  type RawMaintenanceQuery,
  type Subjects,
} from "@quorate/wire";
import { EMPTY_BYTES } from "@quorate/base";
import type { MemberId } from "./leader-view";

export interface NodeQueriesDependencies {
  readonly transport: Transport;
  readonly subjects: Subjects;
}

/** Single questions to one node, outside of the batches. */
export class NodeQueries {
  constructor(private readonly dependencies: NodeQueriesDependencies) {}

  /** The node's own state; `undefined` if it does not answer within `timeoutMs`. */
  status(member: MemberId, timeoutMs: number, reply: (status: NodeStatus | undefined) => void): void {
    this.#ask(member, "status", EMPTY_BYTES, timeoutMs, (payload) =>
      reply(readable(payload, decodeNodeStatus)),
    );
  }

  /**
   * Whether the node has applied everything that was acknowledged anywhere before this call, confirmed by a quorum: a
   * linearizable read of nothing.
   */
  confirm(member: MemberId, timeoutMs: number, reply: (confirmed: boolean) => void): void {
    const nothing = encodeReadRequest({ reads: [], serializable: false });
    this.#ask(member, "read", nothing, timeoutMs, (payload) => {
      reply(readable(payload, decodeReadResponse)?.kind === "results");
    });
  }

  /**
   * Something that may take the node long.
   *
   * @param reply Gets "absent" if nobody is there to be asked, `undefined` if no answer came within `timeoutMs`.
   */
  maintenance(
    member: MemberId,
    query: RawMaintenanceQuery,
    timeoutMs: number,
    reply: (answer: NodeAnswer | "absent" | undefined) => void,
  ): void {
    const { transport, subjects } = this.dependencies;
    const payload = encodeMaintenanceRequest(query, timeoutMs);
    transport.request(subjects.node(member, "maintenance"), payload, { timeoutMs }, (result) => {
      if (result.kind === "answer") reply(readable(result.payload, decodeReadResponse));
      else reply(result.kind === "no-responders" ? "absent" : undefined);
    });
  }

  #ask(
    member: MemberId,
    operation: "status" | "read",
    payload: Uint8Array,
    timeoutMs: number,
    reply: (payload: Uint8Array | undefined) => void,
  ): void {
    const { transport, subjects } = this.dependencies;
    transport.request(subjects.node(member, operation), payload, { timeoutMs }, (result: RequestResult) => {
      reply(result.kind === "answer" ? result.payload : undefined);
    });
  }
}

/** An answer that cannot be decoded is as good as none. */
function readable<T>(payload: Uint8Array | undefined, decode: (bytes: Uint8Array) => T): T | undefined {
  if (payload === undefined) return undefined;
  try {
    return decode(payload);
  } catch {
    return undefined;
  }
}
