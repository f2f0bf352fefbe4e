/** A reading of the injected `Clock`, in milliseconds. Never wall-clock time. */
export type Instant = number;
