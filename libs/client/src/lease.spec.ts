import { VirtualTime } from "@quorate/actor";
import { QuorateError } from "./errors";
import { Lease, LeaseLostError, type LeaseCalls } from "./lease";
import type { LeaseRenewal } from "./results";

/** Renewals that are answered as a test says, in virtual time. */
class Bench implements LeaseCalls {
  readonly time = new VirtualTime();
  readonly renewedAt: number[] = [];
  revocations = 0;
  answer: () => Promise<LeaseRenewal> = () => Promise.resolve({ id: 7n, ttlSeconds: 9 });
  revoked: () => Promise<void> = () => Promise.resolve();

  hold(): Lease {
    return new Lease({ id: 7n, ttlSeconds: 9, grantedAt: 0 }, { clock: this.time, calls: this });
  }

  keepAliveOnce(): Promise<LeaseRenewal> {
    this.renewedAt.push(this.time.now());
    return this.answer();
  }

  revoke(): Promise<void> {
    this.revocations += 1;
    return this.revoked();
  }

  /** Lets time pass, and every promise settle on the way. */
  async pass(ms: number): Promise<void> {
    for (const end = this.time.now() + ms; this.time.now() < end;) {
      this.time.advance(Math.min(100, end - this.time.now()));
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  }
}

const unavailable = (): Promise<never> =>
  Promise.reject(new QuorateError("UNAVAILABLE", "etcdserver: no leader", "definite"));

describe("Lease", () => {
  it("is renewed every third of its TTL", async () => {
    const bench = new Bench();
    const lease = bench.hold();
    await bench.pass(12_000);
    expect(bench.renewedAt).toEqual([3000, 6000, 9000, 12_000]);
    expect(lease.lost.aborted).toBe(false);
  });

  it("is lost when the cluster says that it is gone", async () => {
    const bench = new Bench();
    const lease = bench.hold();
    bench.answer = () => Promise.resolve({ id: 7n, ttlSeconds: 0 });
    await bench.pass(3100);
    expect(lease.lost.reason).toBeInstanceOf(LeaseLostError);
    expect(String(lease.lost.reason)).toContain("it has expired or was revoked");
    await bench.pass(20_000);
    expect(bench.renewedAt).toEqual([3000]);
  });

  it("tries again while renewals fail, and is lost a TTL after the last acknowledged one was sent", async () => {
    const bench = new Bench();
    const lease = bench.hold();
    await bench.pass(3000);
    bench.answer = unavailable;
    await bench.pass(8900);
    expect(lease.lost.aborted).toBe(false);
    expect(bench.renewedAt.length).toBeGreaterThan(8);
    await bench.pass(200);
    expect(String(lease.lost.reason)).toContain("no renewal was acknowledged in time");
  });

  it("is lost in time even if a renewal is never answered", async () => {
    const bench = new Bench();
    const lease = bench.hold();
    bench.answer = () => new Promise(() => undefined);
    await bench.pass(8900);
    expect(lease.lost.aborted).toBe(false);
    await bench.pass(200);
    expect(lease.lost.aborted).toBe(true);
  });

  it("is revoked once when it is disposed of, and not renewed any more", async () => {
    const bench = new Bench();
    {
      await using lease = bench.hold();
      expect(lease.id).toBe(7n);
      await lease.revoke();
    }
    await bench.pass(30_000);
    expect(bench.revocations).toBe(1);
    expect(bench.renewedAt).toEqual([]);
  });

  it("takes a lease that is gone already for revoked, and tells of any other failure", async () => {
    const bench = new Bench();
    bench.revoked = () =>
      Promise.reject(new QuorateError("NOT_FOUND", "etcdserver: requested lease not found", "definite"));
    await bench.hold().revoke();
    bench.revoked = unavailable;
    await expect(bench.hold().revoke()).rejects.toThrow("no leader");
  });
});
