import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explainFence, FENCE_FILE, fenceOf, putFence, type FenceMark } from "./fence-mark";
import { recoverMember, RecoveryRefusedError } from "./recover-member";

const MARK: FenceMark = {
  part: "state",
  why: "a block does not match its checksum",
  at: "2026-01-02T03:04:05.000Z",
  memberName: "n2",
  memberId: "a2",
  isOnlyCopy: false,
};

describe("the fence of a member", () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "quorate-fence-"));
    for (const database of ["raft", "state"]) {
      mkdirSync(join(dataDir, database));
      writeFileSync(join(dataDir, database, "CURRENT"), database);
    }
  });

  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it("is not there until it is put, and then says what was put first", () => {
    expect(fenceOf(dataDir)).toBeUndefined();
    putFence(dataDir, MARK);
    putFence(dataDir, { ...MARK, why: "something that followed from it" });
    expect(fenceOf(dataDir)).toEqual(MARK);
  });

  it.each([
    '{"format":1,"part":"sta',
    '{"format":1}',
    JSON.stringify({ format: 1, ...MARK, part: "states" }),
    "null",
  ])("stands when its file cannot be read, and is not lifted: %s", (text) => {
    writeFileSync(join(dataDir, FENCE_FILE), text);
    expect(fenceOf(dataDir)).toMatchObject({ part: "log" });
    expect(() => recoverMember(dataDir)).toThrow(RecoveryRefusedError);
  });

  it.each<[string, Partial<FenceMark>, RegExp]>([
    ["the command that recovers a state", {}, /quorate member recover --data-dir \//],
    [
      "how a member with a damaged log is replaced",
      { part: "log" },
      /member remove a2.*member add n2 --learner/,
    ],
    ["the backup, if there are no other members", { isOnlyCopy: true }, /restore a backup/],
  ])("names %s", (_what, fields, remedy) => {
    expect(explainFence(dataDir, { ...MARK, ...fields })).toMatch(remedy);
  });

  it("is lifted with the state set aside and everything else kept", () => {
    putFence(dataDir, MARK);
    expect(recoverMember(dataDir)).toBe(join(dataDir, "state.damaged-1"));
    expect(readdirSync(dataDir).sort()).toEqual(["raft", "state.damaged-1"]);
    expect(readFileSync(join(dataDir, "state.damaged-1", "CURRENT"), "utf8")).toBe("state");
  });

  it("may be lifted again and again, and nothing set aside is lost", () => {
    for (const times of [1, 2]) {
      mkdirSync(join(dataDir, "state"), { recursive: true });
      putFence(dataDir, MARK);
      expect(recoverMember(dataDir)).toBe(join(dataDir, `state.damaged-${times}`));
    }
    putFence(dataDir, MARK);
    expect(recoverMember(dataDir)).toBeUndefined(); // as after a crash in between
    expect(fenceOf(dataDir)).toBeUndefined();
  });

  it.each<[string, Partial<FenceMark> | undefined]>([
    ["there is no fence", undefined],
    ["the log is damaged", { part: "log" }],
    ["nobody else has the state", { isOnlyCopy: true }],
  ])("is not touched, nor is anything else, when %s", (_when, fields) => {
    if (fields !== undefined) putFence(dataDir, { ...MARK, ...fields });
    const before = readdirSync(dataDir);
    expect(() => recoverMember(dataDir)).toThrow(RecoveryRefusedError);
    expect(readdirSync(dataDir)).toEqual(before);
    expect(existsSync(join(dataDir, "state", "CURRENT"))).toBe(true);
  });
});
