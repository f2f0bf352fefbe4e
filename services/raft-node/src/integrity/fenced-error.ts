/** The member's data are damaged, and an operator has to say what is to become of them. */
export class FencedError extends Error {
  override readonly name = "FencedError";
  readonly code = "fenced";
}
