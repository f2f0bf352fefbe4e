import { isDeepStrictEqual, inspect } from "node:util";

import type { KnownDifference } from "./known-differences";
import type { Outcome, Subject } from "./outcome";
import type { KvRequest } from "./request-generator";
import { withoutOrderOfTies } from "./unordered-ties";

/** A request that two servers answered differently. */
export interface Difference {
  /** Place of the request in the sequence, from 0. */
  readonly at: number;
  readonly request: KvRequest;
  readonly reference: Outcome;
  readonly subject: Outcome;
}

/** What came of sending a sequence of requests to two servers. */
export interface Comparison {
  readonly unexplained: readonly Difference[];
  /** Names of the known differences that were met. */
  readonly explainedBy: ReadonlySet<string>;
  /** How many requests the reference carried out, and how many it refused: a sequence of errors alone proves little. */
  readonly answered: number;
  readonly refused: number;
}

/** After so many differences the stores have drifted apart and the rest says nothing new. */
const differencesMax = 5;

/**
 * Sends each request to both servers, and the next when both have answered.
 *
 * @param requests May depend on the answers: `learn` is called with the reference's before the next request is taken.
 */
export async function compareServers(
  requests: Iterable<KvRequest>,
  servers: { readonly reference: Subject; readonly subject: Subject },
  known: readonly KnownDifference[],
  learn: (request: KvRequest, reference: Outcome) => void = () => undefined,
): Promise<Comparison> {
  const unexplained: Difference[] = [];
  const explainedBy = new Set<string>();
  const counts = { answer: 0, error: 0 };
  let at = 0;
  for (const request of requests) {
    const [reference, subject] = await Promise.all([servers.reference(request), servers.subject(request)]);
    counts[reference.kind] += 1;
    if (!isDeepStrictEqual(comparable(request, reference), comparable(request, subject))) {
      const explanation = known.find((difference) => difference.matches(request, reference, subject));
      if (explanation !== undefined) explainedBy.add(explanation.name);
      else if (unexplained.push({ at, request, reference, subject }) === differencesMax) break;
    }
    learn(request, reference);
    at += 1;
  }
  return { unexplained, explainedBy, answered: counts.answer, refused: counts.error };
}

function comparable(request: KvRequest, outcome: Outcome): unknown {
  return outcome.kind === "error" ? outcome : withoutOrderOfTies(request, outcome.body);
}

/** All differences as text for the failure message of a test; empty if there are none. */
export function describeDifferences(differences: readonly Difference[]): string {
  const show = (value: unknown): string =>
    inspect(value, { depth: 12, breakLength: 110, maxArrayLength: 20, maxStringLength: 200 });
  return differences
    .map(
      ({ at, request, reference, subject }) =>
        `request ${at}: ${show(request)}\n  reference: ${show(reference)}\n  subject:   ${show(subject)}`,
    )
    .join("\n\n");
}
