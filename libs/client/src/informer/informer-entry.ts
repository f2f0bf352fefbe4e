import { textOf } from "@quorate/base";
import type { KeyValue } from "../key-value";

/** What the store says of a version besides its value; the value's bytes are not kept. */
class EntryHead {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;

  constructor(keyValue: KeyValue) {
    this.key = keyValue.key;
    this.createRevision = keyValue.createRevision;
    this.modRevision = keyValue.modRevision;
    this.version = keyValue.version;
    this.lease = keyValue.lease;
  }

  /** The key read as UTF-8. */
  get keyText(): string {
    return textOf(this.key);
  }
}

/** One key as an informer holds it. */
export class InformerEntry<T> extends EntryHead {
  readonly isValid = true;

  /** @param value What the decoder made of the bytes. */
  constructor(
    keyValue: KeyValue,
    readonly value: T,
  ) {
    super(keyValue);
  }
}

/** A key whose value the decoder refused. */
export class InvalidEntry extends EntryHead {
  readonly isValid = false;

  /** @param error What the decoder threw. */
  constructor(
    keyValue: KeyValue,
    readonly error: unknown,
  ) {
    super(keyValue);
  }
}

export type AnyEntry<T> = InformerEntry<T> | InvalidEntry;
