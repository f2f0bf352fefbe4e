import { tmpdir } from "node:os";
import { randomInteger, seededPrng } from "@quorate/base";
import { VersionSorter, type SortedVersion } from "./version-sorter";

async function sortedBy(runBytesMax: number, versions: readonly SortedVersion[]): Promise<SortedVersion[]> {
  await using sorter = new VersionSorter({ directory: tmpdir(), runBytesMax });
  for (const version of versions) {
    sorter.add(version);
    await sorter.relieve();
  }
  const sorted: SortedVersion[] = [];
  for await (const batch of sorter.sorted()) sorted.push(...batch);
  return sorted;
}

describe("VersionSorter", () => {
  const prng = seededPrng(3);
  const versions = Array.from({ length: 3000 }, (_, at) => ({
    main: randomInteger(prng, 1, 500),
    key: Uint8Array.of(at >> 8, at & 255),
    value: new Uint8Array(at % 1000 === 0 ? 300_000 : at % 50).fill(at),
  }));
  const expected = versions.toSorted(
    (one, other) => one.main - other.main || Buffer.compare(one.key, other.key),
  );

  it.each([
    ["in memory", Infinity],
    ["in runs on disk", 20_000],
    ["with a run for each", 1],
  ])("sorts by revision, then by key, %s", async (_how, runBytesMax) => {
    const some = runBytesMax === 1 ? 100 : versions.length;
    const sorted = await sortedBy(runBytesMax, versions.slice(0, some));
    const wanted = expected.filter(({ key }) => ((key[0]! << 8) | key[1]!) < some);
    expect(sorted.map(({ main, key, value }) => [main, [...key], value.length])).toEqual(
      wanted.map(({ main, key, value }) => [main, [...key], value.length]),
    );
    expect(sorted.every(({ value }, at) => Buffer.compare(value, wanted[at]!.value) === 0)).toBe(true);
  });

  it("sorts nothing to nothing", async () => {
    expect(await sortedBy(100, [])).toEqual([]);
  });
});
