import type { LeaseId, LeaseRecord } from "@quorate/lease";
import { ALL_RECORDS, attachmentsOf, idOfRecordKey, recordOf, userKeyOfAttachment } from "./lease-rows";
import type { StateView } from "./types";

/** Every lease in the store. O(leases); their keys are not looked at. */
export function storedLeases(view: StateView): LeaseRecord[] {
  const records: LeaseRecord[] = [];
  using rows = view.scan("lease", ALL_RECORDS.from, ALL_RECORDS.to);
  for (let row = rows.next(); row !== undefined; row = rows.next()) {
    records.push(recordOf(idOfRecordKey(row.key), row.value));
  }
  return records;
}

/** The keys attached to one lease, ascending. O(keys of the lease). */
export function storedLeaseKeys(view: StateView, id: LeaseId): Uint8Array[] {
  const keys: Uint8Array[] = [];
  const { from, to } = attachmentsOf(id);
  using rows = view.scan("lease", from, to, { keysOnly: true });
  for (let row = rows.next(); row !== undefined; row = rows.next()) keys.push(userKeyOfAttachment(row.key));
  return keys;
}
