import { EMPTY_BYTES } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";
import { signedId, v3lockpb } from "@quorate/wire";
import type { ApiMethod } from "../api/api-method";
import { Contenders, type ContendersDependencies } from "./contenders";
import type { RecipeCalls } from "./recipe-calls";
import { leaseOf } from "./recipe-store";

export interface LockApiDependencies extends ContendersDependencies {
  readonly calls: RecipeCalls;
}

/**
 * etcd's Lock service. A lock is advisory: its owner may have lost it without knowing. What it guards must compare the create
 * revision of the lock's key.
 */
export class LockApi {
  readonly lock: ApiMethod;
  readonly unlock: ApiMethod;

  constructor(dependencies: LockApiDependencies) {
    const { calls, store } = dependencies;
    this.lock = calls.method("LockRequest", v3lockpb.LockRequest, async (request, caller) => {
      const lease = await leaseOf(signedId(request.lease) as LeaseId, store, caller);
      const contenders = new Contenders(request.name, dependencies);
      const bid = { lease, value: EMPTY_BYTES, overwrites: false, lost: "session-expired" } as const;
      const { place, header } = await contenders.win(bid, caller);
      return v3lockpb.LockResponse.encode({ header, key: place.key }).finish();
    });
    this.unlock = calls.method("UnlockRequest", v3lockpb.UnlockRequest, async ({ key }, caller) => {
      const { header } = await store.deleteKey(key, caller);
      return v3lockpb.UnlockResponse.encode({ header: header ?? null }).finish();
    });
  }
}
