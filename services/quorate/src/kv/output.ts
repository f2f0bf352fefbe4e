import { hexId } from "@quorate/base";
import type {
  Alarm,
  DeleteResult,
  KeyValue,
  Member,
  MemberStatus,
  OperationResult,
  PutResult,
  RangeResult,
  TransactionResult,
} from "@quorate/client";
import Table from "cli-table3";
import { usageError } from "../command-error";

/** "simple" is for people and pipes, "json" has etcdctl's shape (bytes in base64), "table" is for looking around. */
export type OutputFormat = "simple" | "json" | "table";

const NEWLINE = Buffer.from("\n");

export function parseOutputFormat(text = "simple"): OutputFormat {
  if (text === "simple" || text === "json" || text === "table") return text;
  throw usageError(`-w "${text}" is none of simple, json and table.`);
}

/** Keys and values are written as the bytes they are, whatever they mean. */
export function renderRange(result: RangeResult, format: OutputFormat, countOnly: boolean): Uint8Array {
  if (format === "json") return jsonLine(rangeJson(result));
  if (countOnly) return textLine(String(result.count));
  if (format === "simple") return Buffer.concat(result.keyValues.flatMap(keyValueLines));
  const rows = result.keyValues.map((kv) => [
    kv.keyText,
    kv.text,
    String(kv.createRevision),
    String(kv.modRevision),
    String(kv.version),
    kv.lease === 0n ? "" : hexId(kv.lease),
  ]);
  return table(["KEY", "VALUE", "CREATED", "MODIFIED", "VERSION", "LEASE"], rows);
}

export function renderPut(result: PutResult, format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine(putJson(result));
  if (format === "table") return table(["REVISION"], [[String(result.revision)]]);
  const previous = result.previous === undefined ? [] : keyValueLines(result.previous);
  return Buffer.concat([textLine("OK"), ...previous]);
}

export function renderDelete(result: DeleteResult, format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine(deleteJson(result));
  if (format === "table")
    return table(["DELETED", "REVISION"], [[String(result.deleted), String(result.revision)]]);
  return Buffer.concat([textLine(String(result.deleted)), ...result.previous.flatMap(keyValueLines)]);
}

export function renderTransaction(result: TransactionResult, format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine(transactionJson(result));
  const head = textLine(result.succeeded ? "SUCCESS" : "FAILURE");
  return Buffer.concat([head, ...result.results.flatMap((step) => [NEWLINE, renderOperation(step, format)])]);
}

export function renderStatus(status: MemberStatus, format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine(status);
  const rows = [
    ["member", hexId(status.memberId)],
    ["cluster", hexId(status.clusterId)],
    ["leader", status.leaderId === 0n ? "none" : hexId(status.leaderId)],
    ["revision", String(status.revision)],
    ["term", String(status.term)],
    ["raft index", String(status.raftIndex)],
    ["applied index", String(status.appliedIndex)],
    ["size", `${status.sizeBytes} bytes`],
    ["version", status.version],
    ["learner", String(status.isLearner)],
    ["errors", status.errors.join("; ") || "none"],
  ];
  if (format === "table") return table(["FIELD", "VALUE"], rows);
  return textLine(rows.map(([field, value]) => `${field!.padEnd(13)} ${value!}`).join("\n"));
}

export function renderMembers(members: readonly Member[], format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine({ members });
  const rows = members.map((member) => [
    hexId(member.id),
    member.name === "" ? "unstarted" : "started",
    member.name,
    member.peerUrls.join(" "),
    member.clientUrls.join(" "),
    String(member.isLearner),
  ]);
  if (format === "table")
    return table(["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"], rows);
  return textLine(rows.map((row) => row.join(", ")).join("\n"));
}

/** One line per alarm, as etcdctl prints them; nothing if there is none. */
export function renderAlarms(alarms: readonly Alarm[], format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine({ alarms });
  if (format === "table")
    return table(
      ["MEMBER", "ALARM"],
      alarms.map(({ type, memberId }) => [hexId(memberId), type]),
    );
  const lines = alarms.map(({ type, memberId }) => `memberID:${memberId} alarm:${type}\n`);
  return Buffer.from(lines.join(""), "utf8");
}

function renderOperation(result: OperationResult, format: OutputFormat): Uint8Array {
  switch (result.kind) {
    case "put":
      return renderPut(result, format);
    case "range":
      return renderRange(result, format, false);
    case "delete":
      return renderDelete(result, format);
    case "txn":
      return renderTransaction(result, format);
  }
}

function keyValueLines(kv: KeyValue): Uint8Array[] {
  return [kv.key, NEWLINE, kv.value, NEWLINE];
}

function rangeJson(result: RangeResult): object {
  return {
    ...header(result),
    kvs: result.keyValues.map(keyValueJson),
    more: result.more,
    count: result.count,
  };
}

function putJson(result: PutResult): object {
  const { previous } = result;
  return { ...header(result), ...(previous === undefined ? {} : { prev_kv: keyValueJson(previous) }) };
}

function deleteJson(result: DeleteResult): object {
  return { ...header(result), deleted: result.deleted, prev_kvs: result.previous.map(keyValueJson) };
}

function transactionJson(result: TransactionResult): object {
  return { ...header(result), succeeded: result.succeeded, responses: result.results.map(operationJson) };
}

function operationJson(result: OperationResult): object {
  switch (result.kind) {
    case "put":
      return { response_put: putJson(result) };
    case "range":
      return { response_range: rangeJson(result) };
    case "delete":
      return { response_delete_range: deleteJson(result) };
    case "txn":
      return { response_txn: transactionJson(result) };
  }
}

function keyValueJson(kv: KeyValue): object {
  return {
    key: Buffer.from(kv.key).toString("base64"),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    value: Buffer.from(kv.value).toString("base64"),
    ...(kv.lease === 0n ? {} : { lease: hexId(kv.lease) }),
  };
}

function header({ revision }: { readonly revision: number }): object {
  return { header: { revision } };
}

/** Ids are written in hexadecimal: as JSON numbers they would be rounded. */
function jsonLine(value: unknown): Uint8Array {
  return textLine(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? hexId(inner) : inner)),
  );
}

function textLine(text: string): Uint8Array {
  return Buffer.from(`${text}\n`, "utf8");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): Uint8Array {
  const rendered = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) rendered.push([...row]);
  return textLine(rendered.toString());
}
