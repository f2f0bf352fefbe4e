import { utf8 } from "@quorate/base";
import type { LeaseId } from "@quorate/lease";
import fc from "fast-check";
import {
  decodeCommandBatch,
  decodeRawCommandBatch,
  isApplicable,
  decodeRead,
  encodeCommandBatch,
  type RawCommand,
} from "./commands";
import { DecodeError } from "./errors";
import { encodeLeaseGrantRequest } from "./etcd-requests";
import { encodeLeaseCheckpoint, encodeLeaseExpire } from "./lease-commands";
import { etcdserverpb, quorate } from "./protocol";

const key = utf8("k");

describe("command batches", () => {
  it("carry the clients' own bytes, in order", () => {
    const kind = fc.constantFrom<RawCommand["kind"]>(
      "put",
      "delete-range",
      "txn",
      "compact",
      "lease-grant",
      "lease-revoke",
      "lease-expire",
      "lease-checkpoint",
      "alarm",
    );
    const command = fc.record({ kind, bytes: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(fc.array(command), (commands) => {
        const decoded = decodeRawCommandBatch(encodeCommandBatch(commands));
        expect(decoded.map(({ kind }) => kind)).toEqual(commands.map(({ kind }) => kind));
        expect(decoded.map(({ bytes }) => [...bytes])).toEqual(commands.map(({ bytes }) => [...bytes]));
      }),
    );
  });

  it("are what a node applies", () => {
    const payload = encodeCommandBatch([
      { kind: "put", bytes: etcdserverpb.PutRequest.encode({ key, value: key }).finish() },
      { kind: "delete-range", bytes: etcdserverpb.DeleteRangeRequest.encode({ key }).finish() },
      { kind: "txn", bytes: etcdserverpb.TxnRequest.encode({ success: [{ requestPut: { key } }] }).finish() },
      { kind: "compact", bytes: etcdserverpb.CompactionRequest.encode({ revision: 3 }).finish() },
    ]);
    expect(decodeCommandBatch(payload)).toMatchObject([
      { kind: "put", request: { ignoreValue: false } },
      { kind: "delete-range", request: { rangeEnd: undefined } },
      { kind: "txn", request: { success: [{ kind: "put" }] } },
      { kind: "compact", request: { revision: 3, physical: false } },
    ]);
  });

  it("hold what leaders say about leases, with ids of all 64 bits", () => {
    const id = -0x7000_0000_0000_0001n as LeaseId;
    const expire = { id, sequence: 2 ** 50, term: 7 };
    const checkpoint = { term: 7, checkpoints: [{ id, sequence: 9, remainingSeconds: 9_000_000_000 }] };
    const grant = { id, ttlSeconds: 9_000_000_000 };
    const payload = encodeCommandBatch([
      { kind: "lease-grant", bytes: encodeLeaseGrantRequest(grant) },
      { kind: "lease-revoke", bytes: encodeLeaseGrantRequest({ id, ttlSeconds: 0 }).subarray(0, 0) },
      { kind: "lease-expire", bytes: encodeLeaseExpire(expire) },
      { kind: "lease-checkpoint", bytes: encodeLeaseCheckpoint(checkpoint) },
    ]);
    expect(decodeCommandBatch(payload)).toEqual([
      { kind: "lease-grant", request: grant },
      { kind: "lease-revoke", request: { id: 0n } },
      { kind: "lease-expire", request: expire },
      { kind: "lease-checkpoint", request: checkpoint },
    ]);
    const typed = quorate.internal.v1.CommandBatch.decode(payload);
    expect(typed.commands.map((command) => Object.keys(command))).toEqual([
      ["leaseGrant"],
      ["leaseRevoke"],
      ["leaseExpire"],
      ["leaseCheckpoint"],
    ]);
  });

  it.each([0, 1, 127, 128, 16_383, 16_384, 70_000])(
    "have protobufjs' encoding with values of %d bytes",
    (length) => {
      const put = { key, value: new Uint8Array(length) };
      const txn = { success: [{ requestPut: put }] };
      const raw = encodeCommandBatch([
        { kind: "put", bytes: etcdserverpb.PutRequest.encode(put).finish() },
        { kind: "txn", bytes: etcdserverpb.TxnRequest.encode(txn).finish() },
      ]);
      const typed = quorate.internal.v1.CommandBatch.encode({ commands: [{ put }, { txn }] }).finish();
      expect(Buffer.from(raw).equals(typed)).toBe(true);
    },
  );

  it("are refused with a malformed command, or one of no known kind", () => {
    expect(() =>
      decodeCommandBatch(encodeCommandBatch([{ kind: "put", bytes: Uint8Array.of(0xff) }])),
    ).toThrow(DecodeError);
    expect(() => decodeCommandBatch(Uint8Array.of(0x0a, 0))).toThrow(
      "Cannot decode Command: its kind is not known",
    );
  });
});

describe("isApplicable", () => {
  const put = { kind: "put", bytes: etcdserverpb.PutRequest.encode({ key }).finish() } as const;
  const grant = { kind: "lease-grant", bytes: new Uint8Array(300) } as const;
  const unknown = Uint8Array.of(0x0a, 4, 0x7a, 2, 1, 2); // a command of the kind 15

  it("is true of what is known, whatever the requests hold", () => {
    expect(isApplicable(encodeCommandBatch([put, grant, put]), 1)).toBe(true);
    expect(isApplicable(encodeCommandBatch([]), 1)).toBe(true);
  });

  it("is false of a kind that came with a later cluster version, until the cluster is there", () => {
    const batch = encodeCommandBatch([put, grant]);
    const since = { "lease-grant": 3 } as const;
    expect([2, 3, 4].map((version) => isApplicable(batch, version, since))).toEqual([false, true, true]);
  });

  it("is false of an unknown kind, wherever it stands", () => {
    const batch = Uint8Array.of(...encodeCommandBatch([put]), ...unknown);
    expect(isApplicable(batch, 9)).toBe(false);
    expect(() => decodeCommandBatch(batch)).toThrow(expect.objectContaining({ unknownKind: true }));
  });

  it("is false of bytes that are no batch", () => {
    const batch = encodeCommandBatch([put, grant]);
    for (let length = 1; length < batch.length; length += 1) {
      const cut = batch.subarray(0, length);
      if (length !== encodeCommandBatch([put]).length) expect(isApplicable(cut, 1)).toBe(false);
    }
    expect(isApplicable(Uint8Array.of(0x0a, 0), 1)).toBe(false);
    expect(isApplicable(Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), 1)).toBe(false);
  });

  it("agrees with the decoder about random bytes: what it takes is never of an unknown kind", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        if (!isApplicable(bytes, 1)) return;
        try {
          decodeRawCommandBatch(bytes);
        } catch (error) {
          expect(error).toMatchObject({ unknownKind: false });
        }
      }),
    );
  });
});

describe("decodeRead", () => {
  it("reads ranges and transactions", () => {
    const range = etcdserverpb.RangeRequest.encode({ key }).finish();
    const txn = etcdserverpb.TxnRequest.encode({ success: [{ requestRange: { key } }] }).finish();
    expect(decodeRead({ kind: "range", bytes: range })).toMatchObject({
      kind: "range",
      request: { limit: 0 },
    });
    expect(decodeRead({ kind: "txn", bytes: txn })).toMatchObject({ kind: "txn", request: { failure: [] } });
  });
});
