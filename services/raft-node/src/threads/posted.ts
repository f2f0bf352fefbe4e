/** A value for `postMessage` and the buffers that move with it instead of being copied. */
export interface Posted<T> {
  readonly value: T;
  readonly transfer: readonly ArrayBuffer[];
}
