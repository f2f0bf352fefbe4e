import type { LeaseId } from "@quorate/lease";
import { packLeases, unpackLeases } from "./packed-leases";

describe("packLeases", () => {
  it("keeps every field, with ids of all 64 bits", () => {
    const leases = [
      { id: 1n as LeaseId, ttlSeconds: 2, sequence: 3, remainingSeconds: 0 },
      { id: -(2n ** 63n) as LeaseId, ttlSeconds: 9e9, sequence: 2 ** 53 - 1, remainingSeconds: 5 },
    ];
    expect(unpackLeases(structuredClone(packLeases(leases)))).toEqual(leases);
  });
});
