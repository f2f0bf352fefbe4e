export * from "./effect";
export * from "./input";
export * from "./message";
export * from "./types";
