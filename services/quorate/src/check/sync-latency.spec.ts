import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSyncLatency } from "./sync-latency";

describe("checkSyncLatency", () => {
  it("measures beside a directory that is not there yet, and leaves nothing behind", () => {
    const folder = mkdtempSync(join(tmpdir(), "quorate-check-"));
    expect(checkSyncLatency(join(folder, "data"), 50).text).toMatch(
      /^\d+\.\d ms at the 99th percentile, .* of \d+ syncs/,
    );
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
