import type { Clock } from "@quorate/base";
import { NO_LEASE, type LeaseId } from "@quorate/lease";
import { decodeMessage, etcdserverpb, signedId } from "@quorate/wire";
import type { ApiMethod, CallContext } from "../api/api-method";
import type { KvApi } from "../api/kv-api";
import type { LeaseApi } from "../api/lease-api";
import type { RequestFailure } from "../api/request-failure";
import { isPassing, RecipeError } from "./recipe-error";

/** Whom a recipe works for. */
export interface Caller {
  readonly context: CallContext;
  /** Aborted, with a {@link RecipeError} as reason, once nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface RecipeStoreDependencies {
  readonly kv: KvApi;
  readonly lease: LeaseApi;
  readonly clock: Clock;
}

/** As etcd grants it to those who bring none, in seconds. Nobody keeps it alive but its owner. */
const SESSION_TTL_SECONDS = 60;
/** Between two attempts of what is to be repeated, in milliseconds. */
const RETRY_MS = 250;

type ResponseType<T> = { decode(bytes: Uint8Array): T };

/**
 * The gateway's own API as recipes use it: messages for bytes, promises for callbacks, and failures thrown as
 * {@link RecipeError}, marked as etcd's recipes hand them on.
 */
export class RecipeStore {
  constructor(private readonly dependencies: RecipeStoreDependencies) {}

  /**
   * A transaction that writes. It is waited for even if the caller goes, since what it did must be known to be undone, and sent
   * once: if its outcome is unknown, so is it to the caller, and what it may have put ends with its lease.
   */
  write(request: etcdserverpb.TxnRequest.$Properties, caller: Caller): Promise<etcdserverpb.TxnResponse> {
    return this.#txn(request, { ...caller, signal: undefined });
  }

  /** A transaction that only reads, repeated for as long as the caller waits and the cluster does not answer. */
  read(request: etcdserverpb.TxnRequest.$Properties, caller: Caller): Promise<etcdserverpb.TxnResponse> {
    return this.patiently(() => this.#txn(request, caller), caller.signal);
  }

  range(request: etcdserverpb.RangeRequest.$Properties, caller: Caller): Promise<etcdserverpb.RangeResponse> {
    const bytes = etcdserverpb.RangeRequest.encode(request).finish();
    return ask(this.dependencies.kv.range, bytes, etcdserverpb.RangeResponse, caller);
  }

  deleteKey(key: Uint8Array, caller: Caller): Promise<etcdserverpb.DeleteRangeResponse> {
    const bytes = etcdserverpb.DeleteRangeRequest.encode({ key }).finish();
    return ask(this.dependencies.kv.deleteRange, bytes, etcdserverpb.DeleteRangeResponse, caller);
  }

  /** A new lease for a caller that has none. */
  async grantLease(caller: Caller): Promise<LeaseId> {
    const bytes = etcdserverpb.LeaseGrantRequest.encode({ TTL: SESSION_TTL_SECONDS }).finish();
    const granted = await ask(this.dependencies.lease.grant, bytes, etcdserverpb.LeaseGrantResponse, caller);
    return signedId(granted.ID) as LeaseId;
  }

  /** Repeats `attempt`, which may be repeated, until the cluster answers. */
  async patiently<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
      await this.#pause(RETRY_MS, signal);
    }
  }

  #txn(
    request: etcdserverpb.TxnRequest.$Properties,
    caller: Omit<Caller, "signal"> & { readonly signal: AbortSignal | undefined },
  ): Promise<etcdserverpb.TxnResponse> {
    const bytes = etcdserverpb.TxnRequest.encode(request).finish();
    return ask(this.dependencies.kv.txn, bytes, etcdserverpb.TxnResponse, caller);
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return untilOver(signal, (resolve) => {
      const timer = this.dependencies.clock.setTimer(ms, resolve);
      return () => timer.cancel();
    });
  }
}

/** The lease that the caller has, or one for a caller that has none. */
export async function leaseOf(lease: LeaseId, store: RecipeStore, caller: Caller): Promise<LeaseId> {
  return lease === NO_LEASE ? store.grantLease(caller) : lease;
}

/**
 * A promise that ends with the signal at the latest.
 *
 * @param start Begins what is waited for. What it returns is called once, at the end, however that comes.
 */
export function untilOver<T>(
  signal: AbortSignal | undefined,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as RecipeError);
    let finish = (): void => undefined;
    let isOver = false;
    const over = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      signal?.removeEventListener("abort", aborted);
      finish();
      settle();
    };
    const aborted = (): void => over(() => reject(signal!.reason as RecipeError));
    signal?.addEventListener("abort", aborted);
    finish = start(
      (value) => over(() => resolve(value)),
      (error) => over(() => reject(error)),
    );
    if (isOver) finish();
  });
}

function ask<T>(
  method: ApiMethod,
  bytes: Uint8Array,
  type: ResponseType<T>,
  { context, signal }: { readonly context: CallContext; readonly signal: AbortSignal | undefined },
): Promise<T> {
  return untilOver(signal, (resolve, reject) => {
    // The recipe's caller may wait as long as it likes; each question has the usual time. A leader was asked for, and
    // there, when the recipe began.
    const own: CallContext = { ...context, timeoutMs: Infinity, requireLeader: false };
    const call = method(bytes, own, (outcome) => {
      if (outcome.kind === "failed") return reject(new RecipeError(handedOn(outcome.failure)));
      try {
        // Decoded messages are views, and the bytes are only lent.
        resolve(decodeMessage("response", type, Uint8Array.from(outcome.bytes)));
      } catch (error) {
        reject(error as Error);
      }
    });
    return () => call?.abandon();
  });
}

/** That this server stops is its own news, and sends clients to another one. */
function handedOn(failure: RequestFailure): RequestFailure {
  return failure.code === "stopped" ? failure : { ...failure, indirect: true };
}
