import { assertNever, compareBytes } from "@quorate/base";
import { openVersions } from "./range";
import type { Compare, KeyValue, Revision } from "./types";
import type { ReadView } from "./view";

/** Whether a compare holds for every key of its range, now. A range without keys counts as one missing key. */
export function holds(view: ReadView, compare: Compare, current: Revision): boolean {
  const versions = openVersions(view, compare, current, current);
  try {
    let version = versions.next();
    if (version === undefined) return holdsForMissing(compare);
    for (; version !== undefined; version = versions.next()) if (!holdsFor(compare, version)) return false;
    return true;
  } finally {
    versions.close();
  }
}

function holdsFor(compare: Compare, kv: KeyValue): boolean {
  const { target } = compare;
  switch (target.kind) {
    case "version":
      return resultIs(compare, kv.version - target.operand);
    case "create":
      return resultIs(compare, kv.createRevision - target.operand);
    case "mod":
      return resultIs(compare, kv.modRevision - target.operand);
    case "lease":
      return resultIs(compare, kv.lease < target.operand ? -1 : kv.lease > target.operand ? 1 : 0);
    case "value":
      return resultIs(compare, compareBytes(kv.value, target.operand));
    default:
      return assertNever(target);
  }
}

/** A missing key has zeros for numbers. It has no value: nothing holds for that, not even "not equal". */
function holdsForMissing(compare: Compare): boolean {
  const { target } = compare;
  if (target.kind === "value") return false;
  if (target.kind === "lease")
    return resultIs(compare, target.operand > 0n ? -1 : target.operand < 0n ? 1 : 0);
  return resultIs(compare, 0 - target.operand);
}

/** @param order Of the actual to the given: negative, zero or positive. */
function resultIs(compare: Compare, order: number): boolean {
  switch (compare.result) {
    case "equal":
      return order === 0;
    case "greater":
      return order > 0;
    case "less":
      return order < 0;
    case "not-equal":
      return order !== 0;
    default:
      return assertNever(compare.result);
  }
}
