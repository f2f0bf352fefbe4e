export * from "./types";
export * from "./view";
