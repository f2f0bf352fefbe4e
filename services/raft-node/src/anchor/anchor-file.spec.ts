import { anchorContract, SlottedAnchor } from "@quorate/storage";
import type { LogIndex, MemberId, Term } from "@quorate/raft";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AnchorFile } from "./anchor-file";

const root = mkdtempSync(join(tmpdir(), "quorate-anchor-"));
let files = 0;
const newPath = (): string => join(root, `anchor-${(files += 1)}`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const record = {
  clusterId: 1n,
  memberId: 2n as MemberId,
  incarnation: 1,
  term: 1 as Term,
  vote: undefined,
  last: { term: 1 as Term, index: 1 as LogIndex },
  chain: 1,
};

anchorContract("AnchorFile", async () => {
  const path = newPath();
  return {
    open: () => SlottedAnchor.open(new AnchorFile(path)),
    flip: async (offset) => {
      const bytes = readFileSync(path);
      bytes[offset]! ^= 1;
      writeFileSync(path, bytes);
    },
  };
});

describe("AnchorFile", () => {
  it("makes no file before something is written, and then one for its owner alone", () => {
    const path = newPath();
    using anchor = SlottedAnchor.open(new AnchorFile(path));
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();

    anchor.write(record);

    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("takes a file that was cut in its newest slot for damage, and falls back to the other", () => {
    const path = newPath();
    {
      using anchor = SlottedAnchor.open(new AnchorFile(path));
      anchor.write(record);
      anchor.write({ ...record, term: 2 as Term });
    }
    writeFileSync(path, readFileSync(path).subarray(0, 4096 + 500));

    using anchor = SlottedAnchor.open(new AnchorFile(path));
    expect(anchor.found).toEqual(record);
    expect(anchor.damagedSlots).toBe(1);
  });

  it("names the file that cannot be read", () => {
    const path = newPath();
    writeFileSync(path, "x");
    chmodSync(path, 0o000);
    const directory = join(path, "under-a-file");

    expect(() => SlottedAnchor.open(new AnchorFile(directory))).toThrow(directory);
  });
});
