import { renderGrant, renderLeases, renderRenewal, renderTimeToLive } from "./lease-output";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const id = 0x5fb27ea19n;
const left = { id, remainingSeconds: 99, grantedSeconds: 100, keys: [Buffer.from("a"), Buffer.from("b")] };

describe("the output of lease", () => {
  it("is in etcdctl's words, with ids of sixteen digits", () => {
    expect(text(renderGrant({ id, ttlSeconds: 60 }, "simple"))).toBe(
      "lease 00000005fb27ea19 granted with TTL(60s)\n",
    );
    expect(text(renderRenewal({ id, ttlSeconds: 60 }, "simple"))).toBe(
      "lease 00000005fb27ea19 keepalived with TTL(60)\n",
    );
    expect(text(renderTimeToLive(id, left, false, "simple"))).toBe(
      "lease 00000005fb27ea19 granted with TTL(100s), remaining(99s)\n",
    );
    expect(text(renderTimeToLive(id, left, true, "simple"))).toContain(", attached keys([a b])\n");
    expect(text(renderTimeToLive(id, undefined, true, "simple"))).toBe(
      "lease 00000005fb27ea19 already expired\n",
    );
    expect(text(renderLeases([id, -1n], "simple"))).toBe(
      "found 2 leases\n00000005fb27ea19\nffffffffffffffff\n",
    );
  });

  it("is etcdctl's JSON but for the header", () => {
    const number = id.toString();
    expect(text(renderGrant({ id, ttlSeconds: 60 }, "json"))).toBe(`{"ID":${number},"TTL":60,"Error":""}\n`);
    expect(text(renderTimeToLive(id, left, true, "json"))).toBe(
      `{"id":${number},"ttl":99,"granted-ttl":100,"keys":["YQ==","Yg=="]}\n`,
    );
    expect(text(renderTimeToLive(id, undefined, false, "json"))).toBe(
      `{"id":${number},"ttl":-1,"granted-ttl":0,"keys":null}\n`,
    );
    expect(text(renderLeases([id], "json"))).toBe(`{"leases":[{"id":${number}}]}\n`);
  });

  it("is fields and tables too", () => {
    expect(text(renderTimeToLive(id, left, true, "fields"))).toContain('"GrantedTTL" : 100\n"Key" : "a"\n');
    expect(text(renderGrant({ id, ttlSeconds: 60 }, "table"))).toContain("00000005fb27ea19");
  });
});
