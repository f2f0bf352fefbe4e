/** What a command could not do, for the person who typed it: one line that says what to do about it. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(
    message: string,
    /** 1: it failed; 2: it was asked for wrongly. */
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A wrong option or argument. */
export function usageError(message: string): CommandError {
  return new CommandError(message, 2);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
