import * as fc from "fast-check";
import { spreadDeadlines } from "./spread";

describe("spreadDeadlines", () => {
  it("leaves deadlines alone that are far enough apart", () => {
    expect(spreadDeadlines([1, 2, 1500, 1700], 2)).toEqual([1, 2, 1500, 1700]);
  });

  it("never lets more than the limit fall into one second, and never brings one forward", () => {
    const deadlines = fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 60 });
    fc.assert(
      fc.property(deadlines, fc.integer({ min: 1, max: 5 }), (list, perSecondMax) => {
        const sorted = list.sort((a, b) => a - b);
        const spread = spreadDeadlines(sorted, perSecondMax);
        for (const [at, deadline] of spread.entries()) {
          expect(deadline).toBeGreaterThanOrEqual(sorted[at]!);
          const others = spread.filter((other) => other >= deadline && other < deadline + 1000);
          expect(others.length).toBeLessThanOrEqual(perSecondMax);
        }
      }),
    );
  });
});
