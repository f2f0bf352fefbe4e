import { openErrorOf, readErrorOf, writeErrorOf } from "./native-errors";

const failed = (message: string, code?: string): unknown => ({ message, code });

describe("openErrorOf", () => {
  it.each([
    [
      failed("IO error: lock /d/LOCK: Resource unavailable", "LEVEL_LOCKED"),
      "storage-locked",
      /another process/,
    ],
    [failed("Corruption: bad magic", "LEVEL_CORRUPTION"), "storage-corruption", /damaged.*bad magic/],
    [failed("IO error: /d/LOCK: Permission denied", "LEVEL_IO_ERROR"), "storage-open", /right to write/],
    [failed("EACCES: permission denied, mkdir '/d'", "EACCES"), "storage-open", /right to write/],
    [
      failed("IO error: /d/MANIFEST: Read-only file system", "LEVEL_IO_ERROR"),
      "storage-open",
      /right to write/,
    ],
    [
      failed("IO error: While opening: /d/MANIFEST-000005: No such file or directory", "LEVEL_IO_ERROR"),
      "storage-corruption",
      /damaged.*MANIFEST/,
    ],
    [failed("IO error: No space left on device", "LEVEL_IO_ERROR"), "storage-full", /the disk is full/],
    [
      failed("IO error: While fdatasync: /d/000014.sst: Input/output error", "LEVEL_IO_ERROR"),
      "storage-write",
      /the disk failed/,
    ],
    [failed("IO error: While open a file: /d/CURRENT: Input/output error"), "storage-open", /Cannot open/],
    [failed("IO error: /d/1.sst: Too many open files", "LEVEL_IO_ERROR"), "storage-open", /ulimit/],
    [
      failed("Invalid argument: /d: does not exist (create_if_missing is false)"),
      "storage-open",
      /there is none/,
    ],
    [failed("IO error: /d/LOCK: Not a directory", "LEVEL_IO_ERROR"), "storage-open", /Choose another path/],
    [failed("Invalid argument: Column families not opened: x"), "unsupported-version", /other columns/],
    [failed("something else"), "storage-open", /in \/d: something else/],
    ["not an error at all", "storage-open", /not an error at all/],
  ])("turns %j into %s, with what to do", (cause, code, text) => {
    const error = openErrorOf("/d", cause);

    expect(error).toMatchObject({ code, cause });
    expect(error.message).toMatch(text);
    expect(error.message).toContain("/d");
  });
});

describe("readErrorOf and writeErrorOf", () => {
  it("name the directory and keep the cause", () => {
    const cause = failed("IO error", "LEVEL_IO_ERROR");

    expect(readErrorOf("/d", cause)).toMatchObject({ code: "storage-corruption", cause });
    expect(writeErrorOf("/d", cause)).toMatchObject({ code: "storage-write", cause });
    expect(writeErrorOf("/d", cause).message).toContain("/d");
  });
});
