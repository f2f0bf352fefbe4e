import type { FailureCode } from "../api/request-failure";
import { grpcStatusOf, statusOf } from "./status";

/** The texts that clients compare, with the codes etcd sends them with. */
const TEXTS: readonly [FailureCode, number, string][] = [
  ["key-not-provided", 3, "etcdserver: key is not provided"],
  ["empty-operation", 3, "etcdserver: key not found"],
  ["key-not-found", 3, "etcdserver: key not found"],
  ["value-provided", 3, "etcdserver: value is provided"],
  ["lease-provided", 3, "etcdserver: lease is provided"],
  ["too-many-operations", 3, "etcdserver: too many operations in txn request"],
  ["duplicate-key", 3, "etcdserver: duplicate key given in txn request"],
  ["invalid-sort-option", 3, "etcdserver: invalid sort option"],
  ["too-large", 3, "etcdserver: request is too large"],
  ["compacted", 11, "etcdserver: mvcc: required revision has been compacted"],
  ["future-revision", 11, "etcdserver: mvcc: required revision is a future revision"],
  ["lease-not-found", 5, "etcdserver: requested lease not found"],
  ["too-many-requests", 8, "etcdserver: too many requests"],
  ["no-leader", 14, "etcdserver: no leader"],
  ["timeout", 14, "etcdserver: request timed out"],
  ["timeout-leader-failed", 14, "etcdserver: request timed out, possibly due to previous leader failure"],
  ["timeout-connection-lost", 14, "etcdserver: request timed out, possibly due to connection lost"],
  ["stopped", 14, "etcdserver: server stopped"],
  ["session-expired", 2, "mutex: session is expired"],
  ["not-elected", 2, "election: not leader"],
  ["nobody-elected", 2, "election: no leader"],
  ["leader-not-provided", 2, '"leader" field must be provided'],
  ["deadline-exceeded", 4, "context deadline exceeded"],
];

describe("statusOf", () => {
  it.each(TEXTS)("tells %s as code %i, %s", (code, number, message) => {
    expect(statusOf({ code, unknownOutcome: false })).toEqual({ code: number, message });
    expect(grpcStatusOf({ code, unknownOutcome: false })).toEqual({ code: number, message });
  });

  it("tells an internal failure as UNKNOWN with the node's own words", () => {
    expect(statusOf({ code: "internal", unknownOutcome: false, detail: "disk on fire" })).toEqual({
      code: 2,
      message: "disk on fire",
    });
  });

  it("takes the code from what a lock or an election only hands on, as etcd does", () => {
    const failure = { code: "lease-not-found", unknownOutcome: false, indirect: true } as const;
    expect(statusOf(failure)).toEqual({ code: 2, message: "etcdserver: requested lease not found" });
  });

  it("blames the client for a malformed request, but over gRPC the transport, as grpc-go does", () => {
    const failure = {
      code: "malformed",
      unknownOutcome: false,
      detail: "Cannot decode PutRequest: x",
    } as const;
    expect(statusOf(failure)).toEqual({ code: 3, message: "Cannot decode PutRequest: x" });
    expect(grpcStatusOf(failure)).toEqual({
      code: 13,
      message: "grpc: error unmarshalling request: Cannot decode PutRequest: x",
    });
  });
});
