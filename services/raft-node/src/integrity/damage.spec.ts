import { StorageCorruptionError, StorageWriteError } from "@quorate/storage";
import { isDamage } from "./damage";

describe("isDamage", () => {
  it.each<[string, unknown]>([
    ["an error of ours", new StorageCorruptionError("a block is damaged")],
    ["its copy from another thread", { name: "Error", message: "m", code: "storage-corruption" }],
    [
      "one of the engine that got past us",
      Object.assign(new Error("Corruption"), { code: "LEVEL_CORRUPTION" }),
    ],
    ["an error that follows from one", new Error("m", { cause: new StorageCorruptionError("m") })],
  ])("knows %s", (_what, error) => {
    expect(isDamage(error)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["a failed write", new StorageWriteError("no space")],
    ["a bug", new TypeError("undefined is not a function")],
    ["nothing at all", undefined],
  ])("does not take %s for damage", (_what, error) => {
    expect(isDamage(error)).toBe(false);
  });
});
