import { credentials, Client, Metadata, type ServiceError } from "@grpc/grpc-js";
import { etcdserverpb, v3electionpb, v3lockpb } from "@quorate/wire";

/** A unary method of the etcd API: where it is and how its messages travel. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  encode(request: Request): Buffer;
  decode(bytes: Uint8Array): Response;
}

interface Encoder<Request> {
  encode(message: Request): { finish(): Uint8Array };
}

interface Decoder<Response> {
  decode(bytes: Uint8Array): Response;
}

function unary<Request, Response>(
  path: string,
  request: Encoder<Request>,
  response: Decoder<Response>,
): UnaryMethod<Request, Response> {
  return {
    path,
    encode: (message) => bufferOver(request.encode(message).finish()),
    decode: (bytes) => response.decode(bytes),
  };
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const pb = etcdserverpb;
const lockpb = v3lockpb;
const electionpb = v3electionpb;

export const etcdMethods = {
  range: unary("/etcdserverpb.KV/Range", pb.RangeRequest, pb.RangeResponse),
  put: unary("/etcdserverpb.KV/Put", pb.PutRequest, pb.PutResponse),
  deleteRange: unary("/etcdserverpb.KV/DeleteRange", pb.DeleteRangeRequest, pb.DeleteRangeResponse),
  txn: unary("/etcdserverpb.KV/Txn", pb.TxnRequest, pb.TxnResponse),
  compact: unary("/etcdserverpb.KV/Compact", pb.CompactionRequest, pb.CompactionResponse),
  leaseGrant: unary("/etcdserverpb.Lease/LeaseGrant", pb.LeaseGrantRequest, pb.LeaseGrantResponse),
  leaseRevoke: unary("/etcdserverpb.Lease/LeaseRevoke", pb.LeaseRevokeRequest, pb.LeaseRevokeResponse),
  leaseTimeToLive: unary(
    "/etcdserverpb.Lease/LeaseTimeToLive",
    pb.LeaseTimeToLiveRequest,
    pb.LeaseTimeToLiveResponse,
  ),
  leases: unary("/etcdserverpb.Lease/LeaseLeases", pb.LeaseLeasesRequest, pb.LeaseLeasesResponse),
  memberList: unary("/etcdserverpb.Cluster/MemberList", pb.MemberListRequest, pb.MemberListResponse),
  memberAdd: unary("/etcdserverpb.Cluster/MemberAdd", pb.MemberAddRequest, pb.MemberAddResponse),
  memberRemove: unary("/etcdserverpb.Cluster/MemberRemove", pb.MemberRemoveRequest, pb.MemberRemoveResponse),
  memberUpdate: unary("/etcdserverpb.Cluster/MemberUpdate", pb.MemberUpdateRequest, pb.MemberUpdateResponse),
  memberPromote: unary(
    "/etcdserverpb.Cluster/MemberPromote",
    pb.MemberPromoteRequest,
    pb.MemberPromoteResponse,
  ),
  moveLeader: unary("/etcdserverpb.Maintenance/MoveLeader", pb.MoveLeaderRequest, pb.MoveLeaderResponse),
  alarm: unary("/etcdserverpb.Maintenance/Alarm", pb.AlarmRequest, pb.AlarmResponse),
  status: unary("/etcdserverpb.Maintenance/Status", pb.StatusRequest, pb.StatusResponse),
  hashKv: unary("/etcdserverpb.Maintenance/HashKV", pb.HashKVRequest, pb.HashKVResponse),
  hash: unary("/etcdserverpb.Maintenance/Hash", pb.HashRequest, pb.HashResponse),
  defragment: unary("/etcdserverpb.Maintenance/Defragment", pb.DefragmentRequest, pb.DefragmentResponse),
  lock: unary("/v3lockpb.Lock/Lock", lockpb.LockRequest, lockpb.LockResponse),
  unlock: unary("/v3lockpb.Lock/Unlock", lockpb.UnlockRequest, lockpb.UnlockResponse),
  campaign: unary("/v3electionpb.Election/Campaign", electionpb.CampaignRequest, electionpb.CampaignResponse),
  proclaim: unary("/v3electionpb.Election/Proclaim", electionpb.ProclaimRequest, electionpb.ProclaimResponse),
  leader: unary("/v3electionpb.Election/Leader", electionpb.LeaderRequest, electionpb.LeaderResponse),
  resign: unary("/v3electionpb.Election/Resign", electionpb.ResignRequest, electionpb.ResignResponse),
} as const;

/** A call that the server refused, or that got no answer. */
export class CallError extends Error {
  override readonly name = "CallError";

  /**
   * @param code gRPC status code.
   * @param text The status message as sent, which is what etcd's clients recognise errors by.
   */
  constructor(
    readonly code: number,
    readonly text: string,
    path: string,
  ) {
    super(`${path}: ${code} ${text}`);
  }
}

export interface EtcdClientOptions {
  /** host:port */
  readonly address: string;
  /** Milliseconds after which a call fails with DEADLINE_EXCEEDED; 15 000 unless told. */
  readonly deadlineMs?: number;
}

/**
 * A bare etcd v3 client: one connection, no retries, no interpretation. Whatever the server said is what the test sees.
 *
 * It is written by hand so that servers other than ours are asked with the very same bytes.
 */
export class EtcdClient {
  readonly #client: Client;
  readonly #deadlineMs: number;
  readonly #noMetadata = new Metadata();

  constructor(options: EtcdClientOptions) {
    this.#deadlineMs = options.deadlineMs ?? 15_000;
    this.#client = new Client(options.address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      // A server that comes back is noticed at once; the default backs off to two minutes.
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.min_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 200,
      // Two clients of one address in one process would otherwise share the connection.
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** @throws {CallError} For every answer that is not OK. */
  call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    deadlineMs = this.#deadlineMs,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        (message: Request) => method.encode(message),
        (bytes: Buffer) => method.decode(bytes),
        request,
        this.#noMetadata,
        { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, response?: Response) => {
          if (error !== null) reject(new CallError(error.code, error.details, method.path));
          else resolve(response as Response);
        },
      );
    });
  }

  /** Sends bytes that need not be a message, to see how the server takes it. */
  callWithBytes(path: string, body: Uint8Array): Promise<Uint8Array> {
    const raw: UnaryMethod<Uint8Array, Uint8Array> = { path, encode: bufferOver, decode: (bytes) => bytes };
    return this.call(raw, body);
  }

  range(request: etcdserverpb.RangeRequest.$Properties, deadlineMs?: number) {
    return this.call(etcdMethods.range, request, deadlineMs);
  }

  put(request: etcdserverpb.PutRequest.$Properties, deadlineMs?: number) {
    return this.call(etcdMethods.put, request, deadlineMs);
  }

  deleteRange(request: etcdserverpb.DeleteRangeRequest.$Properties) {
    return this.call(etcdMethods.deleteRange, request);
  }

  txn(request: etcdserverpb.TxnRequest.$Properties) {
    return this.call(etcdMethods.txn, request);
  }

  compact(request: etcdserverpb.CompactionRequest.$Properties) {
    return this.call(etcdMethods.compact, request);
  }

  status(deadlineMs?: number) {
    return this.call(etcdMethods.status, {}, deadlineMs);
  }

  leaseGrant(request: etcdserverpb.LeaseGrantRequest.$Properties) {
    return this.call(etcdMethods.leaseGrant, request);
  }

  leaseRevoke(request: etcdserverpb.LeaseRevokeRequest.$Properties) {
    return this.call(etcdMethods.leaseRevoke, request);
  }

  /** Opens a stream, sends all requests, ends it, and collects the answers. */
  leaseKeepAlive(
    requests: readonly etcdserverpb.LeaseKeepAliveRequest.$Properties[],
  ): Promise<etcdserverpb.LeaseKeepAliveResponse[]> {
    const path = "/etcdserverpb.Lease/LeaseKeepAlive";
    const { LeaseKeepAliveRequest, LeaseKeepAliveResponse } = pb;
    return new Promise((resolve, reject) => {
      const stream = this.#client.makeBidiStreamRequest(
        path,
        (request: etcdserverpb.LeaseKeepAliveRequest.$Properties) =>
          bufferOver(LeaseKeepAliveRequest.encode(request).finish()),
        (bytes: Buffer) => LeaseKeepAliveResponse.decode(bytes),
        this.#noMetadata,
        { deadline: Date.now() + this.#deadlineMs },
      );
      const answers: etcdserverpb.LeaseKeepAliveResponse[] = [];
      stream.on("data", (answer: etcdserverpb.LeaseKeepAliveResponse) => answers.push(answer));
      stream.on("end", () => resolve(answers));
      stream.on("error", (error: Error & { readonly code?: number; readonly details?: string }) =>
        reject(new CallError(error.code ?? 2, error.details ?? error.message, path)),
      );
      for (const request of requests) stream.write(request);
      stream.end();
    });
  }

  memberList() {
    return this.call(etcdMethods.memberList, {});
  }

  close(): void {
    this.#client.close();
  }
}
