import { definite, type FailureCode, type RequestFailure } from "../api/request-failure";

/** A recipe has no answer for its caller, and this is why. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";

  constructor(readonly failure: RequestFailure) {
    super(`Cannot answer: ${failure.code}`);
  }

  static of(code: FailureCode): RecipeError {
    return new RecipeError(definite(code));
  }
}

/** What a recipe is refused for lack of an answer in time: to ask again may help. */
const PASSING: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "timeout",
  "timeout-leader-failed",
  "timeout-connection-lost",
  "no-leader",
  "too-many-requests",
]);

/** Whether `error` says only that the cluster did not answer now. */
export function isPassing(error: unknown): boolean {
  return error instanceof RecipeError && PASSING.has(error.failure.code);
}
