import type { Prng } from "@quorate/base";

import type { Outcome } from "./outcome";
import { RequestGenerator, type KvRequest } from "./request-generator";

/** `count` generated requests, and the function that tells the generator how they were answered. */
export function learningRequests(
  prng: Prng,
  count: number,
): { requests: Iterable<KvRequest>; learn: (request: KvRequest, outcome: Outcome) => void } {
  const generator = new RequestGenerator(prng);
  return {
    requests: (function* () {
      for (let made = 0; made < count; made += 1) yield generator.next();
    })(),
    learn: (request, outcome) => {
      if (outcome.kind === "error") return;
      generator.reached(outcome.revision);
      if (request.method === "compact") generator.compacted(Number(request.request.revision));
    },
  };
}
