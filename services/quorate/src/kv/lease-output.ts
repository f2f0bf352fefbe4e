import { hexId } from "@quorate/base";
import type { LeaseGrant, LeaseRenewal, LeaseTimeToLive } from "@quorate/client";
import { base64 } from "./kv-json";
import { fieldLines, jsonLine, table, textLine, type Field, type OutputFormat } from "./output-format";

/** As etcdctl writes them, but for the header of JSON and fields, which the client library does not tell about leases. */
export function renderGrant({ id, ttlSeconds }: LeaseGrant, format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine({ ID: id, TTL: ttlSeconds, Error: "" });
  return renderTtl(id, ttlSeconds, format, `lease ${leaseText(id)} granted with TTL(${ttlSeconds}s)`);
}

/** A renewal that came too late has a TTL of 0. */
export function renderRenewal({ id, ttlSeconds }: LeaseRenewal, format: OutputFormat): Uint8Array {
  if (format === "json") return jsonLine({ ID: id, TTL: ttlSeconds });
  return renderTtl(id, ttlSeconds, format, `lease ${leaseText(id)} keepalived with TTL(${ttlSeconds})`);
}

/** @param left `undefined`: there is no such lease. */
export function renderTimeToLive(
  id: bigint,
  left: LeaseTimeToLive | undefined,
  wantsKeys: boolean,
  format: OutputFormat,
): Uint8Array {
  const remaining = left?.remainingSeconds ?? -1;
  const granted = left?.grantedSeconds ?? 0;
  const keys = left?.keys ?? [];
  switch (format) {
    case "json": {
      const listed = keys.length === 0 ? null : keys.map(base64);
      return jsonLine({ id, ttl: remaining, "granted-ttl": granted, keys: listed });
    }
    case "fields":
      return fieldLines([
        ["ID", id],
        ["TTL", remaining],
        ["GrantedTTL", granted],
        ...keys.map((key): Field => ["Key", Buffer.from(key).toString()]),
      ]);
    case "simple": {
      if (left === undefined) return textLine(`lease ${leaseText(id)} already expired`);
      const names = keys.map((key) => Buffer.from(key).toString()).join(" ");
      const attached = wantsKeys ? `, attached keys([${names}])` : "";
      return textLine(
        `lease ${leaseText(id)} granted with TTL(${granted}s), remaining(${remaining}s)${attached}`,
      );
    }
    case "table":
      return table(
        ["LEASE", "GRANTED TTL", "REMAINING", "KEYS"],
        [
          [
            leaseText(id),
            `${granted}`,
            `${remaining}`,
            keys.map((key) => Buffer.from(key).toString()).join("\n"),
          ],
        ],
      );
  }
}

export function renderLeases(ids: readonly bigint[], format: OutputFormat): Uint8Array {
  switch (format) {
    case "json":
      return jsonLine({ leases: ids.map((id) => ({ id })) });
    case "fields":
      return fieldLines(ids.map((id) => ["ID", id]));
    case "simple":
      return textLine([`found ${ids.length} leases`, ...ids.map(leaseText)].join("\n"));
    case "table":
      return table(
        ["LEASE"],
        ids.map((id) => [leaseText(id)]),
      );
  }
}

/** Sixteen digits, as etcdctl has it. */
export function leaseText(id: bigint): string {
  return hexId(id).padStart(16, "0");
}

function renderTtl(id: bigint, ttlSeconds: number, format: OutputFormat, simple: string): Uint8Array {
  if (format === "simple") return textLine(simple);
  if (format === "table") return table(["LEASE", "TTL"], [[leaseText(id), `${ttlSeconds}`]]);
  return fieldLines([
    ["ID", id],
    ["TTL", ttlSeconds],
  ]);
}
