import * as fc from "fast-check";
import { DeliveryWindow } from "./delivery-window";

describe("DeliveryWindow", () => {
  it("lets each number of a sender pass once, in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { maxLength: 200 }), (sequences) => {
        const window = new DeliveryWindow();
        const seen = new Set<number>();
        for (const sequence of sequences) {
          expect(window.first(7n, sequence)).toBe(!seen.has(sequence));
          seen.add(sequence);
        }
      }),
    );
  });

  it("keeps senders apart", () => {
    const window = new DeliveryWindow();
    expect(window.first(1n, 5)).toBe(true);
    expect(window.first(2n, 5)).toBe(true);
    expect(window.first(1n, 5)).toBe(false);
  });

  it("takes what is far behind for a repetition, even after it has forgotten the number", () => {
    const window = new DeliveryWindow();
    for (let sequence = 1; sequence <= 100_000; sequence += 1) window.first(1n, sequence);
    expect(window.first(1n, 3)).toBe(false);
    expect(window.first(1n, 100_000)).toBe(false);
    expect(window.first(1n, 100_001)).toBe(true);
  });

  it("forgets the sender that was silent longest when there are too many", () => {
    const window = new DeliveryWindow();
    window.first(0n, 1);
    for (let sender = 1n; sender <= 1023n; sender += 1n) window.first(sender, 1);
    window.first(0n, 2); // no longer the silent one
    window.first(9999n, 1);
    expect(window.first(0n, 1)).toBe(false);
    expect(window.first(1n, 1)).toBe(true);
  });
});
