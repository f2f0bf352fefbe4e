import { successorOf } from "@quorate/base";
import type { KeyRange } from "../key-range";
import type { KeyValue } from "../key-value";
import type { CallOptions } from "../pending-call";
import type { RangeOptions } from "../requests";
import type { RangeResult } from "../results";

export type RangeCall = (range: KeyRange, options: RangeOptions & CallOptions) => Promise<RangeResult>;

/** A part of a list. */
export interface ListPage {
  /** Of the whole list: that of its first page. */
  readonly revision: number;
  readonly keyValues: readonly KeyValue[];
}

/**
 * Everything in `range` as it was at one revision, in pages: the store's as the first page is read, without which nothing
 * newer than what was acknowledged before could be missing.
 *
 * @param options.pageKeys Key-values per page at most.
 * @throws {QuorateError} OUT_OF_RANGE if the list's revision is compacted before the last page was read: begin anew.
 */
export async function* listInPages(
  range: KeyRange,
  options: { readonly pageKeys: number; readonly signal: AbortSignal },
  call: RangeCall,
): AsyncGenerator<ListPage, void> {
  const { pageKeys: limit, signal } = options;
  let { start } = range;
  for (let revision = 0; ;) {
    const page = await call({ ...range, start }, { limit, revision, signal });
    if (revision === 0) ({ revision } = page);
    yield { revision, keyValues: page.keyValues };
    const last = page.keyValues.at(-1);
    if (!page.more || last === undefined) return;
    start = successorOf(last.key);
  }
}
