import { textOf } from "@quorate/base";
import { checkTxn, choosePath, runTxn } from "./txn";
import { MvccFixture } from "./testing/mvcc-fixture";
import {
  compareOf,
  deleteRequest,
  lease,
  putRequest,
  rangeRequest,
  revision,
  txnRequest,
} from "./testing/requests";
import type { RangeRequest, RequestOp, ResponseOp, TxnRequest, TxnResponse, PutRequest } from "./types";
import type { MvccError } from "./errors";

const put = (key: string, value = ""): RequestOp => ({ kind: "put", request: putRequest(key, value) });
const del = (key: string, end?: string): RequestOp => ({
  kind: "delete-range",
  request: deleteRequest(key, end),
});
const get = (key: string, rest: Partial<RangeRequest> = {}): RequestOp => ({
  kind: "range",
  request: rangeRequest(key, undefined, rest),
});
const txn = (parts: Partial<TxnRequest>): RequestOp => ({ kind: "txn", request: txnRequest(parts) });
const exists = (key: string): TxnRequest["compare"][number] =>
  compareOf(key, { kind: "version", operand: 0 }, "greater");

const leases = { has: (id: bigint): boolean => id === 7n };

/** Runs one transaction on a store with "a" written at 2 and 3, compacted at 2. */
function run(parts: Partial<TxnRequest>, store = prepared()): TxnResponse | MvccError {
  const request = txnRequest(parts);
  let result: TxnResponse | MvccError | undefined;
  store.write((session) => {
    const path = choosePath(session.view, request, session.revision);
    result = checkTxn(session.view, request, path, session, leases) ?? runTxn(session, request, path);
  });
  return result!;
}

function prepared(): MvccFixture {
  const store = new MvccFixture();
  store.write((session) => session.put(putRequest("a", "1")));
  store.write((session) => session.put(putRequest("a", "2")));
  store.compactRevision = revision(2);
  return store;
}

function transcript(response: TxnResponse | MvccError): string {
  if ("code" in response) return response.code;
  return `${response.succeeded ? "then" : "else"}@${response.revision}[${response.responses.map(line).join(" ")}]`;
}

function line(op: ResponseOp): string {
  if (op.kind === "txn") return transcript(op.response);
  if (op.kind === "put") return `put@${op.response.revision}`;
  if (op.kind === "delete-range") return `deleted${op.response.deleted}@${op.response.revision}`;
  return `${op.response.kvs.map((kv) => `${textOf(kv.key)}=${textOf(kv.value)}`).join()}@${op.response.revision}`;
}

describe("a transaction", () => {
  it.each<[string, Partial<TxnRequest>, string]>([
    ["takes the first branch if there is nothing to compare", { success: [put("b")] }, "then@4[put@4]"],
    [
      "takes the second branch unless all compares hold",
      { compare: [exists("a"), exists("b")], success: [put("b")], failure: [get("a")] },
      "else@3[a=2@3]",
    ],
    [
      "shows reads what earlier operations did, and at which revision",
      { success: [get("b"), put("b", "x"), get("b"), del("b"), get("b")] },
      "then@4[@3 put@4 b=x@4 deleted1@4 @4]",
    ],
    [
      "does not move for a delete that finds nothing",
      { success: [del("x"), get("a")] },
      "then@3[deleted0@3 a=2@3]",
    ],
    [
      "answers a late empty delete at the new revision",
      { success: [put("b"), del("x")] },
      "then@4[put@4 deleted0@4]",
    ],
    [
      "leaves the header of a nested response empty",
      { success: [txn({ success: [put("b")] })] },
      "then@4[then@0[put@4]]",
    ],
    [
      "chooses nested branches before anything runs",
      { success: [put("b"), txn({ compare: [exists("b")], success: [put("c")], failure: [get("b")] })] },
      "then@4[put@4 else@0[b=@4]]",
    ],
    [
      "follows several nested transactions in order",
      {
        success: [
          txn({
            compare: [exists("x")],
            success: [],
            failure: [txn({ compare: [exists("a")], success: [get("a")] })],
          }),
          txn({ compare: [exists("a")], success: [put("c")] }),
        ],
      },
      "then@4[else@0[then@0[a=2@3]] then@0[put@4]]",
    ],
    [
      "reads a past revision even after it has changed the key",
      { success: [put("a", "3"), get("a", { revision: revision(3) }), get("a", { revision: revision(2) })] },
      "then@4[put@4 a=2@4 a=1@4]",
    ],
    [
      "cannot address its own revision",
      { success: [put("b"), get("b", { revision: revision(4) })] },
      "future-revision",
    ],
    [
      "cannot read what is compacted",
      { success: [put("b"), get("a", { revision: revision(1) })] },
      "compacted",
    ],
    [
      "takes a negative revision for one compacted",
      { success: [get("a", { revision: revision(-1) })] },
      "compacted",
    ],
    [
      "is not troubled by the branch not taken",
      { failure: [get("a", { revision: revision(99) })] },
      "then@3[]",
    ],
    [
      "refuses a put with an unknown lease",
      { success: [put("b"), { kind: "put", request: putRequest("c", "", { lease: lease(8n) }) }] },
      "lease-not-found",
    ],
    [
      "accepts a known lease",
      { success: [{ kind: "put", request: putRequest("c", "", { lease: lease(7n) }) }] },
      "then@4[put@4]",
    ],
    [
      "refuses to keep the value of a missing key, even of one that it creates itself",
      { success: [put("b"), { kind: "put", request: putRequest("b", "", { ignoreValue: true }) }] },
      "key-not-found",
    ],
    [
      "refuses to keep the value of a key that it deletes before",
      { success: [del("a", "\0"), { kind: "put", request: putRequest("a", "", { ignoreValue: true }) }] },
      "key-not-found",
    ],
    [
      "tells of a put that cannot be done before a range that cannot, wherever they stand",
      {
        success: [
          get("a", { revision: revision(9) }),
          { kind: "put", request: putRequest("absent", "", { ignoreValue: true }) },
        ],
      },
      "key-not-found",
    ],
    [
      "tells of a missing key before an unknown lease",
      {
        success: [
          {
            kind: "put",
            request: putRequest("absent", "", { ignoreValue: true, lease: 7n as PutRequest["lease"] }),
          },
        ],
      },
      "key-not-found",
    ],
    ["refuses an operation with nothing set", { success: [put("b"), { kind: "none" }] }, "key-not-found"],
  ])("%s", (_rule, parts, expected) => {
    expect(transcript(run(parts))).toBe(expected);
  });

  it("changes nothing if any check fails", () => {
    const store = prepared();
    expect(
      transcript(run({ success: [put("b"), del("a"), get("a", { revision: revision(9) })] }, store)),
    ).toBe("future-revision");
    expect([store.revision, store.count("latest"), store.count("event")]).toEqual([3, 1, 2]);
  });
});
