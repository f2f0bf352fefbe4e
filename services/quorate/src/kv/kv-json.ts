import type {
  DeleteResult,
  KeyValue,
  OperationResult,
  PutResult,
  RangeResult,
  ResponseHeader,
  TransactionResult,
} from "@quorate/client";
import { withoutZeros, type Json, type JsonObject } from "./output-format";

/** The shapes that etcdctl's JSON has: the messages of the API, zero values left out, bytes in base64. */
export function rangeJson(result: RangeResult): JsonObject {
  const { keyValues, more, count } = result;
  return {
    header: headerJson(result.header),
    ...withoutZeros({ kvs: keyValues.map(keyValueJson), more, count }),
  };
}

export function putJson({ header, previous }: PutResult): JsonObject {
  return { header: headerJson(header), prev_kv: previous === undefined ? undefined : keyValueJson(previous) };
}

export function deleteJson({ header, deleted, previous }: DeleteResult): JsonObject {
  return { header: headerJson(header), ...withoutZeros({ deleted, prev_kvs: previous.map(keyValueJson) }) };
}

export function transactionJson({ header, succeeded, results }: TransactionResult): JsonObject {
  const responses = results.map((result) => ({ Response: operationJson(result) }));
  return { header: headerJson(header), ...withoutZeros({ succeeded, responses }) };
}

function operationJson(result: OperationResult): Json {
  switch (result.kind) {
    case "put":
      return { ResponsePut: putJson(result) };
    case "range":
      return { ResponseRange: rangeJson(result) };
    case "delete":
      return { ResponseDeleteRange: deleteJson(result) };
    case "txn":
      return { ResponseTxn: transactionJson(result) };
  }
}

export function keyValueJson(kv: KeyValue): JsonObject {
  return withoutZeros({
    key: base64(kv.key),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    value: base64(kv.value),
    lease: kv.lease,
  });
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function headerJson({ clusterId, memberId, revision, term }: ResponseHeader): JsonObject {
  return withoutZeros({ cluster_id: clusterId, member_id: memberId, revision, raft_term: term });
}
