import type { Outcome, StoreRequest } from "../checkers/history";
import { CallError, EtcdClient, etcdMethods } from "../harness/etcd-client";
import { NatsCaller } from "../harness/nats-caller";
import { decodeStoreAnswer, encodeStoreRequest, type StoreMethod } from "./store-messages";

/** A way to a store, for requests of histories. A call never fails: how it ended is what is asked for. */
export interface StoreDoor extends AsyncDisposable {
  call(request: StoreRequest): Promise<Outcome>;
}

/** gRPC codes with which the store says that it looked at a request and refused it. */
const DEFINITE_CODES = [3, 5, 9, 11];
/** What comes with codes that may mean anything, but is definite. */
const DEFINITE_TEXTS = ["etcdserver: mvcc: database space exceeded"];

const PATHS: Readonly<Record<StoreMethod, string>> = {
  range: etcdMethods.range.path,
  put: etcdMethods.put.path,
  "delete-range": etcdMethods.deleteRange.path,
  txn: etcdMethods.txn.path,
  "lease-grant": etcdMethods.leaseGrant.path,
  "lease-revoke": etcdMethods.leaseRevoke.path,
};

const SUBJECTS: Readonly<Record<StoreMethod, string>> = {
  range: "kv.range",
  put: "kv.put",
  "delete-range": "kv.deleterange",
  txn: "kv.txn",
  "lease-grant": "lease.grant",
  "lease-revoke": "lease.revoke",
};

/** The gRPC door of a gateway. */
export class GrpcStoreDoor implements StoreDoor {
  readonly #client: EtcdClient;

  /** @param options.address host:port @param options.timeoutMs After which the outcome is unknown. */
  constructor(options: { readonly address: string; readonly timeoutMs: number }) {
    this.#client = new EtcdClient({ address: options.address, deadlineMs: options.timeoutMs });
  }

  async call(request: StoreRequest): Promise<Outcome> {
    const { method, bytes } = encodeStoreRequest(request);
    try {
      return decodeStoreAnswer(request, await this.#client.callWithBytes(PATHS[method], bytes));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return failedOutcome(error.code, error.text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }
}

/** The NATS door of all gateways. */
export class NatsStoreDoor implements StoreDoor {
  private constructor(
    private readonly options: { readonly cluster: string; readonly timeoutMs: number },
    private readonly caller: NatsCaller,
  ) {}

  /** @param options.url Of the broker. @param options.timeoutMs After which the outcome is unknown. */
  static async connect(options: {
    readonly url: string;
    readonly cluster: string;
    readonly timeoutMs: number;
  }): Promise<NatsStoreDoor> {
    return new NatsStoreDoor(options, await NatsCaller.connect(options.url));
  }

  async call(request: StoreRequest): Promise<Outcome> {
    const { cluster, timeoutMs } = this.options;
    const { method, bytes } = encodeStoreRequest(request);
    const subject = `quorate.${cluster}.${SUBJECTS[method]}`;
    try {
      const answer = await this.caller.request(subject, { data: bytes }, timeoutMs);
      if (answer.errorCode !== 0) return failedOutcome(answer.errorCode, answer.errorText);
      return decodeStoreAnswer(request, answer.data);
    } catch (error) {
      // The broker's own words, for no answer in time or a connection that is gone: the request may be on its way.
      if ((error as Error).name !== "NatsError") throw error;
      return { kind: "unknown", code: (error as Error).message };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.caller[Symbol.asyncDispose]();
  }
}

function failedOutcome(code: number, text: string): Outcome {
  const isDefinite = DEFINITE_CODES.includes(code) || DEFINITE_TEXTS.includes(text);
  return { kind: isDefinite ? "refused" : "unknown", code: `${code} ${text}` };
}
