import type { Revision } from "@quorate/mvcc";
import { DecodeError } from "./errors";
import {
  decodeMaintenanceRequest,
  encodeMaintenanceRequest,
  type MaintenanceQuery,
  type RawMaintenanceQuery,
} from "./maintenance-requests";
import { etcdserverpb } from "./protocol";

const hashKv = (revision: number): Uint8Array => etcdserverpb.HashKVRequest.encode({ revision }).finish();

describe("a maintenance request", () => {
  it.each<[RawMaintenanceQuery, MaintenanceQuery]>([
    [
      { kind: "hash-kv", bytes: hashKv(7) },
      { kind: "hash-kv", revision: 7 as Revision },
    ],
    [
      { kind: "hash-kv", bytes: new Uint8Array(0) },
      { kind: "hash-kv", revision: 0 as Revision },
    ],
    [
      { kind: "hash-kv", bytes: hashKv(-3) },
      { kind: "hash-kv", revision: -3 as Revision },
    ],
    [{ kind: "hash", bytes: new Uint8Array(0) }, { kind: "hash" }],
    [
      { kind: "hash-state", revision: 7 as Revision },
      { kind: "hash-state", revision: 7 as Revision },
    ],
    [
      { kind: "compacted", revision: 9 as Revision },
      { kind: "compacted", revision: 9 as Revision },
    ],
    [
      { kind: "compacted", revision: 0 as Revision },
      { kind: "compacted", revision: 0 as Revision },
    ],
  ])("arrives as it was sent: %p", (raw, query) => {
    expect(decodeMaintenanceRequest(encodeMaintenanceRequest(raw, 1234))).toEqual({ query, timeoutMs: 1234 });
  });

  it("is refused if it is no message, holds none, or of no known kind", () => {
    const foreign = encodeMaintenanceRequest({ kind: "hash-kv", bytes: Uint8Array.of(0xff) }, 1);
    for (const bytes of [Uint8Array.of(0xff), new Uint8Array(0), foreign]) {
      expect(() => decodeMaintenanceRequest(bytes)).toThrow(DecodeError);
    }
  });
});
