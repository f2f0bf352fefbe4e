import { EMPTY_BYTES, type Clock } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";
import type { Revision } from "@quorate/mvcc";
import { saturatingNumber, signedId, v3electionpb, wireId } from "@quorate/wire";
import type { ApiMethod } from "../api/api-method";
import type { StreamMethod } from "../api/stream-method";
import type { WatchApi } from "../watch/watch-api";
import { Contenders, type ContendersDependencies } from "./contenders";
import { LeaderObservation } from "./leader-observation";
import { leavePlace, updatePlace, type Place } from "./place";
import type { RecipeCalls } from "./recipe-calls";
import { RecipeError } from "./recipe-error";
import { leaseOf } from "./recipe-store";

export interface ElectionApiDependencies extends ContendersDependencies {
  readonly calls: RecipeCalls;
  readonly watch: WatchApi;
  readonly clock: Clock;
}

const {
  CampaignRequest,
  CampaignResponse,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ProclaimResponse,
  ResignRequest,
  ResignResponse,
} = v3electionpb;

/** etcd's Election service: whoever holds the first key of an election leads. Advisory, like locks. */
export class ElectionApi {
  readonly campaign: ApiMethod;
  readonly proclaim: ApiMethod;
  readonly leader: ApiMethod;
  readonly resign: ApiMethod;
  readonly observe: StreamMethod;

  constructor(dependencies: ElectionApiDependencies) {
    const { calls, store } = dependencies;
    this.campaign = calls.method("CampaignRequest", CampaignRequest, async (request, caller) => {
      const { name, value } = request;
      const lease = await leaseOf(signedId(request.lease) as LeaseId, store, caller);
      const bid = { lease, value, overwrites: true, lost: "not-elected" } as const;
      const { place, entered } = await new Contenders(name, dependencies).win(bid, caller);
      const { key, createRevision } = place;
      const leader = { name, key, rev: createRevision, lease: wireId(lease) };
      return CampaignResponse.encode({ header: entered, leader }).finish();
    });
    this.proclaim = calls.method("ProclaimRequest", ProclaimRequest, async ({ leader, value }, caller) => {
      const place = placeOf(leader);
      // As in etcd: a leader that names no lease gets one, since a value without a lease would never go away.
      const lease = await leaseOf(place.lease, store, caller);
      const header = await updatePlace(store, { ...place, lease }, value, caller);
      if (header === undefined) throw RecipeError.of("not-elected");
      return ProclaimResponse.encode({ header }).finish();
    });
    this.leader = calls.method("LeaderRequest", LeaderRequest, async ({ name }, caller) => {
      const { header, kvs } = await store.range(new Contenders(name, dependencies).first, caller);
      const [kv] = kvs;
      if (kv === undefined) throw RecipeError.of("nobody-elected");
      return LeaderResponse.encode({ header: header ?? null, kv }).finish();
    });
    this.resign = calls.method("ResignRequest", ResignRequest, async ({ leader }, caller) => {
      const header = await leavePlace(store, placeOf(leader), caller);
      return ResignResponse.encode({ header }).finish();
    });
    this.observe = (context, sink) => new LeaderObservation(context, { ...dependencies, sink });
  }
}

/** @throws {RecipeError} There is no leader key. */
function placeOf(leader: v3electionpb.LeaderKey.$Properties | null | undefined): Place {
  if (leader == null) throw RecipeError.of("leader-not-provided");
  return {
    key: leader.key ?? EMPTY_BYTES,
    createRevision: saturatingNumber(leader.rev ?? 0) as Revision,
    lease: signedId(leader.lease ?? 0) as LeaseId,
  };
}
