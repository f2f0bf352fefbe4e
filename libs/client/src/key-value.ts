import { textOf } from "@quorate/base";

export interface KeyValueFields {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/** One version of one key. Its bytes are its own. */
export class KeyValue implements KeyValueFields {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Revision of the put that began this generation of the key. */
  readonly createRevision: number;
  /** Revision of the put that wrote this version: compare it in a transaction to change only what was read. */
  readonly modRevision: number;
  /** 1 at creation, one more with each put. */
  readonly version: number;
  /** 0: attached to no lease. */
  readonly lease: bigint;

  constructor(fields: KeyValueFields) {
    this.key = fields.key;
    this.value = fields.value;
    this.createRevision = fields.createRevision;
    this.modRevision = fields.modRevision;
    this.version = fields.version;
    this.lease = fields.lease;
  }

  /** The key read as UTF-8. */
  get keyText(): string {
    return textOf(this.key);
  }

  /** The value read as UTF-8. */
  get text(): string {
    return textOf(this.value);
  }

  /** @throws {SyntaxError} The value is not JSON. */
  json(): unknown {
    return JSON.parse(this.text);
  }
}
