import { textOf } from "@quorate/base";
import type { AnyEntry, InformerEntry, InvalidEntry } from "./informer-entry";

interface EventHead {
  readonly key: Uint8Array;
  /** The key read as UTF-8. */
  readonly keyText: string;
  /**
   * Of the change. Of a key that a new list no longer had, the last at which it can have been deleted. Rises from one event of
   * a key to the next, not from one key to another.
   */
  readonly revision: number;
}

/**
 * How what an informer holds of a key has changed. `added`, `updated` and `deleted` tell of values that could be decoded;
 * `invalid` of one that could not: what was held before is held no longer, though the key still exists. A key that becomes
 * valid again is `added`.
 */
export type InformerEvent<T> =
  | (EventHead & { readonly type: "added"; readonly new: InformerEntry<T> })
  | (EventHead & { readonly type: "updated"; readonly old: InformerEntry<T>; readonly new: InformerEntry<T> })
  /** Without `old` if the key had been told as invalid. */
  | (EventHead & { readonly type: "deleted"; readonly old: InformerEntry<T> | undefined })
  | (EventHead & {
      readonly type: "invalid";
      readonly old: InformerEntry<T> | undefined;
      readonly new: InvalidEntry;
    });

/** A key before and after; changes of a key that follow each other can be told as one. */
export interface Change<T> {
  readonly key: Uint8Array;
  readonly before: AnyEntry<T> | undefined;
  readonly after: AnyEntry<T> | undefined;
  readonly revision: number;
}

/** What to tell of a change: nothing if it is none, and two events if the key was deleted and created again within it. */
export function eventsOf<T>({ key, before, after, revision }: Change<T>): InformerEvent<T>[] {
  const head = { key, keyText: textOf(key) };
  const old = before?.isValid === true ? before : undefined;
  if (after === undefined) {
    return before === undefined ? [] : [{ ...head, revision, type: "deleted", old }];
  }
  if (before === undefined) return [arrivalOf(undefined, after, { ...head, revision })];
  if (before.modRevision === after.modRevision) return [];
  if (before.createRevision === after.createRevision) return [arrivalOf(old, after, { ...head, revision })];
  return [
    { ...head, revision: after.createRevision - 1, type: "deleted", old },
    arrivalOf(undefined, after, { ...head, revision }),
  ];
}

function arrivalOf<T>(
  old: InformerEntry<T> | undefined,
  after: AnyEntry<T>,
  head: EventHead,
): InformerEvent<T> {
  if (!after.isValid) return { ...head, type: "invalid", old, new: after };
  if (old === undefined) return { ...head, type: "added", new: after };
  return { ...head, type: "updated", old, new: after };
}
