import { foundedClusterId, founderId, parseInitialCluster } from "./member-ids";

describe("the ids of a cluster's founders", () => {
  it("are those that etcd gives them", () => {
    // What etcd shows that is started without any flag.
    const id = founderId(["http://localhost:2380"], "etcd-cluster");
    expect(id).toBe(0x8e9e05c52164694dn);
    expect(foundedClusterId([id])).toBe(0xcdf818194e3a8c32n);
  });

  it("do not depend on the order in which members or URLs are named", () => {
    expect(founderId(["http://b:1", "http://a:1"], "t")).toBe(founderId(["http://a:1", "http://b:1"], "t"));
    expect(foundedClusterId([2n ** 63n, 1n])).toBe(foundedClusterId([1n, 2n ** 63n]));
  });

  it("depend on the token", () => {
    expect(founderId(["http://a:1"], "t")).not.toBe(founderId(["http://a:1"], "u"));
  });
});

describe("parseInitialCluster", () => {
  it("gathers the URLs of each name", () => {
    expect(parseInitialCluster("b=http://b:2,a=http://a:1, b=http://b:1")).toEqual([
      { name: "b", peerUrls: ["http://b:1", "http://b:2"] },
      { name: "a", peerUrls: ["http://a:1"] },
    ]);
  });
});
