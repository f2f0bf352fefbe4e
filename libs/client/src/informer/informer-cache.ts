import { binaryString, bytesOfBinaryString } from "@quorate/base";
import type { KeyValue } from "../key-value";
import { InformerEntry, InvalidEntry, type AnyEntry } from "./informer-entry";
import type { Change } from "./informer-event";

/** Makes a value of what a key holds. What it throws is told of that key alone. */
export type Decode<T> = (keyValue: KeyValue) => T;

/** A range of keys as it is at one revision. By binary strings, which compare by content and take less memory. */
export class InformerCache<T> {
  #entries = new Map<string, AnyEntry<T>>();

  constructor(private readonly decode: Decode<T>) {}

  get size(): number {
    return this.#entries.size;
  }

  get(key: Uint8Array): AnyEntry<T> | undefined {
    return this.#entries.get(binaryString(key));
  }

  values(): IterableIterator<AnyEntry<T>> {
    return this.#entries.values();
  }

  put(keyValue: KeyValue): Change<T> {
    const { key, modRevision: revision } = keyValue;
    const id = binaryString(key);
    const before = this.#entries.get(id);
    const after = this.#entryOf(keyValue);
    this.#entries.set(id, after);
    return { key, before, after, revision };
  }

  delete(key: Uint8Array, revision: number): Change<T> {
    const id = binaryString(key);
    const before = this.#entries.get(id);
    this.#entries.delete(id);
    return { key, before, after: undefined, revision };
  }

  /**
   * Becomes what `listed` is, which is all there is at `revision`.
   *
   * @returns what that changes: first the keys that are gone, then those that are new or other than before, as listed.
   */
  replace(listed: ReadonlyMap<string, AnyEntry<T>>, revision: number): Change<T>[] {
    const changes: Change<T>[] = [];
    for (const [id, before] of this.#entries) {
      if (listed.has(id)) continue;
      changes.push({ key: bytesOfBinaryString(id), before, after: undefined, revision });
    }
    for (const [id, after] of listed) {
      const before = this.#entries.get(id);
      if (before?.modRevision === after.modRevision) continue;
      changes.push({ key: after.key, before, after, revision: after.modRevision });
    }
    this.#entries = new Map(listed);
    return changes;
  }

  /** Adds to a list under way, for `replace`. What has not changed is not decoded again. */
  collect(keyValues: readonly KeyValue[], listed: Map<string, AnyEntry<T>>): void {
    for (const keyValue of keyValues) {
      const id = binaryString(keyValue.key);
      const held = this.#entries.get(id);
      listed.set(id, held?.modRevision === keyValue.modRevision ? held : this.#entryOf(keyValue));
    }
  }

  #entryOf(keyValue: KeyValue): AnyEntry<T> {
    try {
      return new InformerEntry(keyValue, this.decode(keyValue));
    } catch (error) {
      return new InvalidEntry(keyValue, error);
    }
  }
}
