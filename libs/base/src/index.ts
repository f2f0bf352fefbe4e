export * from "./brand";
export * from "./bytes";
export * from "./checksum";
export * from "./clock";
export * from "./deque";
export * from "./fixed-integers";
export * from "./invariant";
export * from "./prng";
