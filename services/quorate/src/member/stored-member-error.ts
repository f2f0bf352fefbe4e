/** A member cannot start as who it is told to be; the text is for its operator. */
export class StoredMemberError extends Error {
  override readonly name = "StoredMemberError";
  readonly code = "member-identity";
}
