import * as fc from "fast-check";
import { Deque } from "./deque";

describe("Deque", () => {
  it("behaves like an array under any pushes, shifts and drains", () => {
    const operation = fc.oneof(
      { weight: 6, arbitrary: fc.constant("push" as const) },
      { weight: 5, arbitrary: fc.constant("shift" as const) },
      { weight: 1, arbitrary: fc.constant("drain" as const) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const deque = new Deque<number>();
        const model: number[] = [];
        operations.forEach((name, at) => {
          if (name === "push") {
            deque.push(at);
            model.push(at);
          } else if (name === "shift") expect(deque.shift()).toBe(model.shift());
          else expect(deque.drain()).toEqual(model.splice(0));
          expect(deque.size).toBe(model.length);
          expect(deque.peek()).toBe(model[0]);
          expect([...deque]).toEqual(model);
        });
      }),
    );
  });
});
