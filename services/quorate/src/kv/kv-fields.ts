import type {
  DeleteResult,
  KeyValue,
  OperationResult,
  PutResult,
  RangeResult,
  ResponseHeader,
  TransactionResult,
} from "@quorate/client";
import type { Field } from "./output-format";

/** What etcdctl writes with `-w fields`. */
export function rangeFields({ header, keyValues, more, count }: RangeResult): Field[] {
  const found = keyValues.flatMap((kv) => keyValueFields(kv));
  return [...headerFields(header), ...found, ["More", more], ["Count", count]];
}

export function putFields({ header, previous }: PutResult): Field[] {
  return [...headerFields(header), ...(previous === undefined ? [] : keyValueFields(previous, "Prev"))];
}

export function deleteFields({ header, deleted, previous }: DeleteResult): Field[] {
  const before = previous.flatMap((kv) => keyValueFields(kv, "Prev"));
  return [...headerFields(header), ["Deleted", deleted], ...before];
}

export function transactionFields({ header, succeeded, results }: TransactionResult): Field[] {
  return [...headerFields(header), ["Succeeded", succeeded], ...results.flatMap(operationFields)];
}

function operationFields(result: OperationResult): Field[] {
  switch (result.kind) {
    case "put":
      return putFields(result);
    case "range":
      return rangeFields(result);
    case "delete":
      return deleteFields(result);
    case "txn":
      return transactionFields(result);
  }
}

export function keyValueFields(kv: KeyValue, prefix = ""): Field[] {
  return [
    [`${prefix}Key`, kv.keyText],
    [`${prefix}CreateRevision`, kv.createRevision],
    [`${prefix}ModRevision`, kv.modRevision],
    [`${prefix}Version`, kv.version],
    [`${prefix}Value`, kv.text],
    [`${prefix}Lease`, kv.lease],
  ];
}

function headerFields({ clusterId, memberId, revision, term }: ResponseHeader): Field[] {
  return [
    ["ClusterID", clusterId],
    ["MemberID", memberId],
    ["Revision", revision],
    ["RaftTerm", term],
  ];
}
