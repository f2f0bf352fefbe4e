import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { markInitialized, openDataDirectory } from "./data-directory";

const anything = { cluster: undefined, members: undefined };

describe("openDataDirectory", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-data-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (fresh: boolean): ReturnType<typeof openDataDirectory> =>
    openDataDirectory({ ...anything, dataDir: join(folder, "dev"), fresh });

  it("makes ids once and keeps them", () => {
    const first = open(false);
    expect(new Set([first.clusterId, ...first.members.map(({ memberId }) => memberId)]).size).toBe(4);
    expect(open(false)).toEqual(first);
  });

  it("remembers that the cluster has worked", () => {
    open(false);
    markInitialized(join(folder, "dev"));
    expect(open(false).initialized).toBe(true);
  });

  it("starts over with new ids when asked to, and removes what was there", () => {
    const first = open(false);
    mkdirSync(join(folder, "dev", "n1"));
    const second = open(true);
    expect(second.clusterId).not.toBe(first.clusterId);
    expect(existsSync(join(folder, "dev", "n1"))).toBe(false);
  });

  it.each([true, false])("touches nothing in a directory of somebody else's (fresh: %p)", (fresh) => {
    mkdirSync(join(folder, "dev"));
    const theirs = join(folder, "dev", "thesis.txt");
    writeFileSync(theirs, "years of work");
    expect(() => open(fresh)).toThrow(/choose another --data-dir/);
    expect(existsSync(theirs)).toBe(true);
  });

  it("takes an empty directory", () => {
    mkdirSync(join(folder, "dev"));
    expect(open(true).members).toHaveLength(3);
  });
});
