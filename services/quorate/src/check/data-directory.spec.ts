import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { putFence } from "@quorate/fence";
import { writeMember } from "../member/member-file";
import type { PlannedData } from "./check-plan";
import { checkDataDirectory } from "./data-directory";

describe("checkDataDirectory", () => {
  let folder: string;
  let data: PlannedData;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-check-"));
    const dir = join(folder, "m1");
    data = { dir, nodeDir: join(dir, "member"), quotaBytes: 1, member: { name: "m1", cluster: "c" } };
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function errors(): string {
    return checkDataDirectory(data)
      .filter(({ state }) => state === "error")
      .map(({ text }) => text)
      .join();
  }

  function isOf(name: string, cluster: string): void {
    writeMember(data.dir, {
      name,
      cluster,
      memberId: 1n,
      clusterId: 2n,
      origin: "founder",
      hasRun: true,
      peers: [],
    });
  }

  it("takes one that will be made, and its own", () => {
    expect(checkDataDirectory(data)[0]?.text).toContain("will be made");
    isOf("m1", "c");
    expect(checkDataDirectory(data)[0]?.text).toContain("is that of m1, which has run");
  });

  it("refuses what belongs to another member, or to another cluster's", () => {
    isOf("m2", "c");
    expect(errors()).toContain("belongs to the member m2");
    isOf("m1", "other");
    expect(errors()).toContain("belongs to a member of the cluster other");
  });

  it("refuses what is fenced, and what does not say whose it is", () => {
    mkdirSync(data.nodeDir, { recursive: true });
    writeFileSync(join(data.dir, "member.json"), "{");
    expect(errors()).toContain("is damaged");
    putFence(data.nodeDir, {
      part: "state",
      why: "a row is wrong",
      at: "then",
      memberName: "m1",
      memberId: "1",
      isOnlyCopy: false,
    });
    expect(errors()).toContain("a row is wrong");
  });

  it("refuses a file", () => {
    writeFileSync(data.dir, "");
    chmodSync(data.dir, 0o700);
    expect(errors()).toContain("is no directory");
  });

  it("warns of one that others can read, and of a quota above what is free", () => {
    mkdirSync(data.dir, { mode: 0o755 });
    const found = checkDataDirectory({ ...data, quotaBytes: 2 ** 60 }).filter(
      ({ state }) => state === "warning",
    );
    expect(found.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(["data directory", "free space"]),
    );
  });
});
