import { join } from "node:path";
import { fileSystemAdvice, fileSystemOf, freeSpaceAdvice } from "./file-system";

const MIB = 2 ** 20;

describe("fileSystemOf", () => {
  it("looks at the nearest directory that is there", () => {
    const found = fileSystemOf(join(__dirname, "not", "there"));
    expect(found.path).toBe(__dirname);
    expect(found.freeBytes).toBeGreaterThan(0);
    expect(found.kind).toBe(fileSystemOf(__dirname).kind);
  });

  it("knows memory where Linux has it", () => {
    if (process.platform === "linux") expect(fileSystemOf("/dev/shm").kind).toBe("tmpfs");
  });
});

describe("advice about file systems", () => {
  it.each(["tmpfs", "nfs", "overlay", "fuse"])("warns of %s", (kind) => {
    expect(fileSystemAdvice(kind)).toBeDefined();
  });

  it.each(["ext4", "xfs", "0x1234"])("has nothing against %s", (kind) => {
    expect(fileSystemAdvice(kind)).toBeUndefined();
  });
});

describe("advice about free space", () => {
  it("wants room for what the quota still allows", () => {
    expect(freeSpaceAdvice({ freeBytes: 100 * MIB }, 100 * MIB, 0)).toBeUndefined();
    expect(freeSpaceAdvice({ freeBytes: 40 * MIB }, 100 * MIB, 60 * MIB)).toBeUndefined();
    expect(freeSpaceAdvice({ freeBytes: 99 * MIB }, 100 * MIB, 0)?.text).toContain(
      "is 100 MiB, and 99 MiB are free",
    );
  });

  it("warns wherever there is no quota", () => {
    expect(freeSpaceAdvice({ freeBytes: 2 ** 50 }, Infinity, 0)?.text).toContain("not limited");
  });
});
