/** The constructor of an error that a decoder may throw. */
// Parameters of constructors are contravariant: `never` accepts every class.
export type ErrorClass = abstract new (...parameters: never) => Error;

/** One decoder, and what it promises for any bytes at all. */
export interface FuzzTarget<Value = unknown> {
  /** Name of its folder in the corpus, and on the command line. */
  readonly name: string;
  /** Throws nothing but what it declares. An expected refusal may also be a value, such as `undefined`. */
  decode(input: Uint8Array): Value;
  readonly declares: readonly ErrorClass[];
  /** Where there is one: what it encodes must be decoded to an equal value. `undefined`: this value is not ever encoded. */
  encode?(value: Value): Uint8Array | undefined;
  /** Whether it is a message of protobuf that skips fields of unknown numbers. */
  readonly skipsUnknownFields?: boolean;
  /** How many bytes of objects a byte of input may become; {@link HEAP_PER_BYTE} unless told. */
  readonly heapPerByte?: number;
  /** Likewise of buffers; {@link EXTERNAL_PER_BYTE} unless told. */
  readonly externalPerByte?: number;
  /** Valid inputs, as different from each other as can be. */
  seeds(): readonly Uint8Array[];
  /** Words of the format that chance would not find. */
  readonly dictionary?: readonly Uint8Array[];
}

/** An empty message in a list is two bytes, and an object with some fields in memory. */
export const HEAP_PER_BYTE = 1024;

export const EXTERNAL_PER_BYTE = 4;

/** Keeps the type of `value` between `decode` and `encode`, where a list of targets no longer knows it. */
export function fuzzTarget<Value>(target: FuzzTarget<Value>): FuzzTarget {
  const { encode } = target;
  const { encode: _encode, ...rest } = target;
  return encode === undefined
    ? { ...rest }
    : { ...rest, encode: (value) => encode.call(target, value as Value) };
}
