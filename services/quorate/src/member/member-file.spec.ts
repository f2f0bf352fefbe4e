import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMember, writeMember, type MemberIdentity } from "./member-file";
import { StoredMemberError } from "./stored-member-error";

const MEMBER: MemberIdentity = {
  name: "a",
  memberId: 0xffff_ffff_ffff_fff0n,
  clusterId: 1n,
  cluster: "c1",
  origin: "founder",
  hasRun: true,
  peers: ["http://b:1"],
};

describe("member.json", () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "quorate-member-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it("gives back who was written into it, and nobody before the first start", () => {
    expect(readMember(dataDir)).toBeUndefined();
    writeMember(dataDir, MEMBER);
    expect(readMember(dataDir)).toEqual(MEMBER);
  });

  it.each([
    ["half of it", (text: string) => text.slice(0, text.length / 2)],
    ["another id", (text: string) => text.replace("fffffffffffffff0", "somebody")],
    ["nothing", () => ""],
  ])("with %s is damaged, which is not the same as absent", (_what, damage) => {
    writeMember(dataDir, MEMBER);
    const path = join(dataDir, "member.json");
    writeFileSync(path, damage(readFileSync(path, "utf8")));
    expect(() => readMember(dataDir)).toThrow(StoredMemberError);
  });
});
