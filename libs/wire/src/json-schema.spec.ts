import { rpcSchemaOf } from "./json-schema";

describe("rpcSchemaOf", () => {
  it.each([
    ["etcdserverpb.KV/Range", "etcdserverpb.RangeRequest", "etcdserverpb.RangeResponse", false, false],
    [
      "etcdserverpb.Auth/UserAdd",
      "etcdserverpb.AuthUserAddRequest",
      "etcdserverpb.AuthUserAddResponse",
      false,
      false,
    ],
    ["etcdserverpb.Watch/Watch", "etcdserverpb.WatchRequest", "etcdserverpb.WatchResponse", true, true],
    [
      "v3electionpb.Election/Observe",
      "v3electionpb.LeaderRequest",
      "v3electionpb.LeaderResponse",
      false,
      true,
    ],
  ])("knows the messages of %s", (name, request, response, requestStream, responseStream) => {
    expect(rpcSchemaOf(name)).toEqual({ request, response, requestStream, responseStream });
  });

  it("refuses names that the protos do not have", () => {
    expect(() => rpcSchemaOf("etcdserverpb.KV/Increment")).toThrow(
      "no such method: etcdserverpb.KV/Increment",
    );
    expect(() => rpcSchemaOf("etcdserverpb.Queue/Push")).toThrow("no such");
  });
});
