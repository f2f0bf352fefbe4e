import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { eventually } from "../harness/eventually";
import { fillUp, onLinuxAsRoot, smallFileSystem } from "../harness/small-file-system";
import { LoadedCluster } from "./loaded-cluster";

const withinMs = 40_000;
const ballastBytes = 24 * 1024 * 1024;

onLinuxAsRoot("a member on a disk that others fill", () => {
  it("gives up its ballast to start again, so that clients can act, and makes a new one when there is room", async () => {
    const folder = await smallFileSystem("160m");
    await using scene = await LoadedCluster.start(
      { members: 1, folder, flags: ["--ballast-bytes", `${ballastBytes}`] },
      withinMs,
    );
    const { cluster, client } = scene;
    const ballast = join(cluster.dataDir, "n1", "ballast");
    const size = (): number => statSync(ballast, { throwIfNoEntry: false })?.size ?? 0;
    const load = scene.load("full-disk/", 4);
    await load.untilAcknowledged(50, withinMs);
    await eventually("the ballast to be in place", { withinMs }, () => size() === ballastBytes);

    const others = join(folder.path, "others");
    fillUp(others);
    // What the engine has reserved is still there to be used up. The logs are on that disk as well, and may lack the end.
    await eventually("the member to end, and to start without its ballast", { withinMs }, async () => {
      await client.put({ key: Buffer.from("large"), value: randomBytes(256 * 1024) }, 3000).catch(() => 0);
      return !existsSync(ballast);
    });
    await load.untilAcknowledged(50, withinMs); // though nobody else has freed any space
    expect(existsSync(ballast)).toBe(false);

    await rm(others);
    await eventually("a new ballast", { withinMs }, () => size() === ballastBytes);
    await load.untilAcknowledged(50, withinMs);
    await load.stop();
    expect(await load.violations()).toEqual([]);
  }, 120_000);
});
