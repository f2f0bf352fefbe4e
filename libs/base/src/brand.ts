declare const brand: unique symbol;

/** A type that shares `T`'s representation but cannot be mixed with another brand of it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
