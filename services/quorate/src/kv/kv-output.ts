import { hexId } from "@quorate/base";
import type {
  DeleteResult,
  KeyValue,
  OperationResult,
  PutResult,
  RangeResult,
  TransactionResult,
} from "@quorate/client";
import { deleteFields, putFields, rangeFields, transactionFields } from "./kv-fields";
import { deleteJson, putJson, rangeJson, transactionJson } from "./kv-json";
import { fieldLines, jsonLine, table, textLine, type OutputFormat } from "./output-format";

const NEWLINE = Buffer.from("\n");

/** Keys and values are written as the bytes they are, whatever they mean. */
export function renderRange(result: RangeResult, format: OutputFormat, countOnly = false): Uint8Array {
  switch (format) {
    case "json":
      return jsonLine(rangeJson(result));
    case "fields":
      return fieldLines(rangeFields(result));
    case "simple":
      return countOnly
        ? textLine(String(result.count))
        : Buffer.concat(result.keyValues.flatMap(keyValueLines));
    case "table":
      return countOnly ? table(["COUNT"], [[String(result.count)]]) : keyValueTable(result.keyValues);
  }
}

export function renderPut(result: PutResult, format: OutputFormat): Uint8Array {
  switch (format) {
    case "json":
      return jsonLine(putJson(result));
    case "fields":
      return fieldLines(putFields(result));
    case "simple":
      return Buffer.concat([
        textLine("OK"),
        ...(result.previous === undefined ? [] : keyValueLines(result.previous)),
      ]);
    case "table":
      return table(["REVISION"], [[String(result.revision)]]);
  }
}

export function renderDelete(result: DeleteResult, format: OutputFormat): Uint8Array {
  switch (format) {
    case "json":
      return jsonLine(deleteJson(result));
    case "fields":
      return fieldLines(deleteFields(result));
    case "simple":
      return Buffer.concat([textLine(String(result.deleted)), ...result.previous.flatMap(keyValueLines)]);
    case "table":
      return table(["DELETED", "REVISION"], [[String(result.deleted), String(result.revision)]]);
  }
}

export function renderTransaction(result: TransactionResult, format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine(transactionJson(result));
  if (format === "fields") return fieldLines(transactionFields(result));
  const head = textLine(result.succeeded ? "SUCCESS" : "FAILURE");
  return Buffer.concat([head, ...result.results.flatMap((step) => [NEWLINE, renderOperation(step, format)])]);
}

function renderOperation(result: OperationResult, format: OutputFormat): Uint8Array {
  switch (result.kind) {
    case "put":
      return renderPut(result, format);
    case "range":
      return renderRange(result, format);
    case "delete":
      return renderDelete(result, format);
    case "txn":
      return renderTransaction(result, format);
  }
}

function keyValueLines(kv: KeyValue): Uint8Array[] {
  return [kv.key, NEWLINE, kv.value, NEWLINE];
}

function keyValueTable(keyValues: readonly KeyValue[]): Uint8Array {
  const rows = keyValues.map((kv) => [
    kv.keyText,
    kv.text,
    String(kv.createRevision),
    String(kv.modRevision),
    String(kv.version),
    kv.lease === 0n ? "" : hexId(kv.lease),
  ]);
  return table(["KEY", "VALUE", "CREATED", "MODIFIED", "VERSION", "LEASE"], rows);
}
