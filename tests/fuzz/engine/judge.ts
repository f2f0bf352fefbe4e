import { seededPrng, concatBytes } from "@quorate/base";
import { EXTERNAL_PER_BYTE, HEAP_PER_BYTE, type FuzzTarget } from "./fuzz-target";
import { unknownField } from "./mutator";
import { errorShape, exactText, shapeOf } from "./shape";

/** A decoder that takes longer stops everything else that its process does. Of a core's time: other processes may take turns. */
export const STALL_MS = 50;
/** What a large input may take, so that only work that grows faster than the input is found, however slow the core. */
const STALL_US_PER_BYTE = 3;
const EXTERNAL_SLACK_BYTES = 64 * 1024;
/** What the engine itself and the compiler of Node may allocate meanwhile. */
const HEAP_SLACK_BYTES = 2 * 1024 * 1024;
/** How often a measurement is repeated before it counts: the least of them says what the decoder needs. */
const LOOKS = 5;

export interface Verdict {
  /** What the result looked like, see `shapeOf`. */
  readonly shape: string;
  /** Whether there was a value and no error. */
  readonly accepted: boolean;
  /** Which property does not hold, and how. */
  readonly failure: string | undefined;
}

/**
 * Decodes `input` and looks at what `target` promises.
 *
 * @param isThorough Also measures memory, which takes longer than most decoding.
 */
export function judge(target: FuzzTarget, input: Uint8Array, isThorough: boolean): Verdict {
  const started = performance.now();
  const outcome = attempt(target, input);
  const tookMs = performance.now() - started;
  const accepted = "value" in outcome;
  const shape = accepted ? shapeOf(outcome.value) : errorShape(outcome.error);
  const failure =
    undeclared(target, outcome) ??
    (accepted ? (notItself(target, outcome.value) ?? disturbed(target, input, outcome.value)) : undefined) ??
    (tookMs > stallMs(input) ? stalled(target, input) : undefined) ??
    (isThorough ? wasteful(target, input) : undefined);
  return { shape, accepted, failure };
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

function attempt(target: FuzzTarget, input: Uint8Array): Outcome {
  try {
    return { value: target.decode(input) };
  } catch (error) {
    return { error };
  }
}

function undeclared({ declares }: FuzzTarget, outcome: Outcome): string | undefined {
  if ("value" in outcome || declares.some((declared) => outcome.error instanceof declared)) return undefined;
  const { error } = outcome;
  return `throws what it does not declare: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function notItself(target: FuzzTarget, value: unknown): string | undefined {
  if (target.encode === undefined) return undefined;
  const before = exactText(value);
  let after: string;
  try {
    const encoded = target.encode(value);
    if (encoded === undefined) return undefined;
    after = exactText(target.decode(encoded));
  } catch (error) {
    return `cannot read what it wrote: ${errorShape(error)}`;
  }
  return after === before
    ? undefined
    : `is another value after a round trip: ${clipped(before)} became ${clipped(after)}`;
}

function disturbed(target: FuzzTarget, input: Uint8Array, value: unknown): string | undefined {
  if (target.skipsUnknownFields !== true) return undefined;
  // Of the input alone, so that a failing one fails again.
  const field = unknownField(seededPrng(input.length * 257 + (input[0] ?? 0)));
  for (const whole of [concatBytes([input, field]), concatBytes([field, input])]) {
    const outcome = attempt(target, whole);
    if ("error" in outcome) return `does not skip a field of unknown number: ${errorShape(outcome.error)}`;
    if (exactText(outcome.value) !== exactText(value))
      return "is another value with a field of unknown number";
  }
  return undefined;
}

function stalled(target: FuzzTarget, input: Uint8Array): string | undefined {
  const ms = least(() => {
    const started = process.threadCpuUsage();
    attempt(target, input);
    const { user, system } = process.threadCpuUsage(started);
    return (user + system) / 1000;
  }, stallMs(input));
  return ms > stallMs(input) ? `takes ${Math.round(ms)} ms for ${input.length} bytes` : undefined;
}

function stallMs({ length }: Uint8Array): number {
  return Math.max(STALL_MS, (length * STALL_US_PER_BYTE) / 1000);
}

function wasteful(target: FuzzTarget, input: Uint8Array): string | undefined {
  const externalMax = (target.externalPerByte ?? EXTERNAL_PER_BYTE) * input.length + EXTERNAL_SLACK_BYTES;
  const external = least(() => grownBy(target, input, () => process.memoryUsage().external), externalMax);
  if (external > externalMax) return `takes ${external} bytes of buffers for ${input.length}`;
  const heapMax = (target.heapPerByte ?? HEAP_PER_BYTE) * input.length + HEAP_SLACK_BYTES;
  const heap = least(() => grownBy(target, input, () => process.memoryUsage().heapUsed), heapMax);
  return heap > heapMax ? `takes ${heap} bytes of objects for ${input.length}` : undefined;
}

/** May be negative, if garbage is collected meanwhile. */
function grownBy(target: FuzzTarget, input: Uint8Array, used: () => number): number {
  const before = used();
  const outcome = attempt(target, input);
  const after = used();
  return outcome === undefined ? 0 : after - before; // `outcome` lives until here
}

/** The least of some measurements, or the first that is not above `enough`. */
function least(measure: () => number, enough: number): number {
  let least = Infinity;
  for (let look = 0; look < LOOKS && least > enough; look += 1) least = Math.min(least, measure());
  return least;
}

function clipped(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
