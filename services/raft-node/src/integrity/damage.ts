import type { DamagedPart } from "@quorate/fence";

/** What was found wrong with a member's data, and where. */
export interface FoundDamage {
  readonly part: DamagedPart;
  readonly why: string;
}

/** Codes of errors that say that stored bytes are not what was written: ours, and the engine's own, should one get past us. */
const DAMAGE_CODES: readonly unknown[] = ["storage-corruption", "LEVEL_CORRUPTION"];

/** Whether an error, or what caused it, says so. Errors of other threads are copies: only their fields count. */
export function isDamage(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return DAMAGE_CODES.includes(code) || isDamage(cause);
}

/** The state is so damaged that it does not even open. */
export class DamagedStateError extends Error {
  override readonly name = "DamagedStateError";
  readonly code = "storage-corruption";

  constructor(
    message: string,
    /** Whether it can be had nowhere else: see FenceMark. */
    readonly isOnlyCopy: boolean,
  ) {
    super(message);
  }
}
