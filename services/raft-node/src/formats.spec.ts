import { FORMATS } from "./formats";

describe("the formats of this build", () => {
  // Whoever changes one: read what stands at FORMATS, keep reading the older one, tell operators in CHANGELOG.md, and have
  // tests/upgrade/make-data.ts pack data of the last release.
  it("are these", () => {
    expect(FORMATS).toEqual({ log: 1, state: 1, snapshot: 1, peers: 2, clusterVersion: 2 });
  });
});
