import * as fc from "fast-check";
import { compareBytes, utf8 } from "@quorate/base";
import { OWN_MEMORY } from "./byte-arena";
import {
  historyAfterPrefix,
  historyKey,
  historyKeyOfPrefix,
  historyPrefix,
  historyRowOf,
  keyValueOfHistory,
  modOfHistoryKey,
  prefixOfHistoryKey,
  supersedingOf,
  userKeyOfPrefix,
} from "./history-row";
import { encodeLatest } from "./latest-row";
import { lease, revision } from "./testing/requests";

const keys = fc.uint8Array({ maxLength: 6 }).chain((random) =>
  fc.constantFrom(
    random,
    random.map((byte) => (byte < 128 ? 0 : byte)),
    random.map((byte) => byte % 3),
  ),
);
const revisions = fc.integer({ min: 1, max: 2 ** 53 - 1 }).map(revision);

describe("a history key", () => {
  it("gives back the user key and the revision", () => {
    fc.assert(
      fc.property(keys, revisions, (key, mod) => {
        const row = historyKey(key, mod);
        expect(Buffer.from(userKeyOfPrefix(prefixOfHistoryKey(row)))).toEqual(Buffer.from(key));
        expect(modOfHistoryKey(row)).toBe(mod);
        expect(historyKeyOfPrefix(historyPrefix(key), mod)).toEqual(row);
      }),
    );
  });

  it("orders by user key, then newest first, within the bounds of its prefix", () => {
    fc.assert(
      fc.property(keys, revisions, keys, revisions, (keyA, modA, keyB, modB) => {
        const order = Math.sign(compareBytes(keyA, keyB)) || Math.sign(modB - modA);
        const [a, b] = [historyKey(keyA, modA), historyKey(keyB, modB)];
        expect(Math.sign(compareBytes(a, b))).toBe(order);
        if (compareBytes(keyA, keyB) < 0) {
          expect(compareBytes(a, historyPrefix(keyB))).toBeLessThan(0);
          expect(compareBytes(historyAfterPrefix(historyPrefix(keyA)), b)).toBeLessThan(0);
        }
        expect(compareBytes(historyPrefix(keyA), a)).toBeLessThan(0);
        expect(compareBytes(a, historyAfterPrefix(historyPrefix(keyA)))).toBeLessThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a history row", () => {
  it("carries everything over from the latest row and adds what superseded it", () => {
    const latest = encodeLatest(revision(2), revision(5), 3, lease(-7n), utf8("old"), OWN_MEMORY);
    const row = historyRowOf(latest, revision(9), OWN_MEMORY);
    expect(supersedingOf(row)).toBe(9);
    expect(keyValueOfHistory(utf8("k"), revision(5), row)).toEqual({
      key: utf8("k"),
      createRevision: 2,
      modRevision: 5,
      version: 3,
      value: utf8("old"),
      lease: -7n,
    });
  });
});
