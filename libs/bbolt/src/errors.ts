/** The file is not what it should be: cut off, overwritten, or no database at all. */
export class DamagedDatabaseError extends Error {
  override readonly name = "DamagedDatabaseError";
  readonly code = "damaged-database";

  /** @param where The part of the file, such as "page 7". */
  constructor(
    readonly where: string,
    readonly what: string,
  ) {
    super(`Cannot read the database: ${where}: ${what}`);
  }
}
