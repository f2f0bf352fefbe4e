import { binaryString, utf8 } from "@quorate/base";
import type { Event } from "@quorate/mvcc";
import type { RequestFailure } from "../../services/kv-gateway/src/api/request-failure";

/** One call of a client, with virtual times. A write whose outcome is unknown has `outcome` "unknown" for ever. */
export interface Operation {
  readonly client: number;
  readonly calledAt: number;
  returnedAt: number;
  readonly request:
    | { readonly kind: "put"; readonly key: string; readonly value: string }
    | { readonly kind: "delete"; readonly key: string }
    /** Put if the key's mod revision is still `expected`. */
    | { readonly kind: "swap"; readonly key: string; readonly value: string; readonly expected: number }
    | { readonly kind: "get"; readonly key: string };
  outcome:
    | { readonly kind: "unknown" }
    /** Certain: it had no effect. */
    | { readonly kind: "refused"; readonly code: string }
    | { readonly kind: "written"; readonly revision: number; readonly changed: boolean }
    | { readonly kind: "read"; readonly revision: number; readonly found: Found | undefined };
}

export interface Found {
  readonly value: string;
  readonly modRevision: number;
}

/** What a failure says about a write: only one that is definite rules it out. */
export function failedOutcome({ code, unknownOutcome }: RequestFailure): Operation["outcome"] {
  return unknownOutcome ? { kind: "unknown" } : { kind: "refused", code };
}

/** A promise that the recorded history does not keep. */
export class HistoryViolation extends Error {
  override readonly name = "HistoryViolation";
}

/**
 * Checks that `operations` are linearizable with the order that the revisions claim, where `events` are all changes that a
 * member holds at the end:
 *
 * - each acknowledged write is there, at its revision, with its value; a refused one is nowhere; nothing else is there;
 * - each read saw exactly the state at the revision that it names;
 * - an operation that returned before another was called does not stand behind it.
 */
export function checkHistory(operations: readonly Operation[], events: readonly Event[]): void {
  const byRevision = eventsByRevision(events);
  checkWrites(operations, byRevision);
  checkReads(operations, events);
  checkRealTime(operations);
}

interface Change {
  readonly key: string;
  /** `undefined`: a delete. */
  readonly value: string | undefined;
}

function eventsByRevision(events: readonly Event[]): Map<number, Change[]> {
  const byRevision = new Map<number, Change[]>();
  let last = 1;
  for (const event of events) {
    if (event.main !== last && event.main !== last + 1) fail(`revision ${event.main} follows ${last}`, event);
    last = event.main;
    const change = {
      key: text(event.kv.key),
      value: event.kind === "put" ? text(event.kv.value) : undefined,
    };
    const changes = byRevision.get(event.main);
    if (changes === undefined) byRevision.set(event.main, [change]);
    else changes.push(change);
  }
  return byRevision;
}

function checkWrites(
  operations: readonly Operation[],
  byRevision: ReadonlyMap<number, readonly Change[]>,
): void {
  const owners = new Map<string, Operation>();
  for (const operation of operations) {
    const { request } = operation;
    if (request.kind === "put" || request.kind === "swap") owners.set(request.value, operation);
  }
  const seen = new Set<string>();
  for (const [revision, changes] of byRevision) {
    for (const { key, value } of changes) {
      if (value === undefined) continue;
      const owner = owners.get(value);
      if (owner === undefined || !("key" in owner.request) || owner.request.key !== key) {
        fail(`revision ${revision} holds a value that nobody wrote there`, { key, value });
      }
      if (seen.has(value)) fail("a write took effect twice", { revision, key, value });
      seen.add(value);
      const { outcome } = owner;
      if (outcome.kind === "refused") fail("a write that was refused took effect", { revision, owner });
      if (outcome.kind === "written" && outcome.revision !== revision) {
        fail("a write took effect at another revision than was acknowledged", { revision, owner });
      }
    }
  }
  for (const operation of operations) {
    const { request, outcome } = operation;
    if (outcome.kind !== "written" || !outcome.changed) continue;
    const changes = byRevision.get(outcome.revision) ?? [];
    const wanted = request.kind === "delete" ? undefined : "value" in request ? request.value : undefined;
    if (!changes.some((change) => change.key === request.key && change.value === wanted)) {
      fail("an acknowledged write is missing", { operation, changes });
    }
  }
}

function checkReads(operations: readonly Operation[], events: readonly Event[]): void {
  const reads = operations.filter((operation) => operation.outcome.kind === "read");
  reads.sort((a, b) => revisionOf(a) - revisionOf(b));
  const state = new Map<string, Found>();
  let next = 0;
  for (const read of reads) {
    const { outcome, request } = read;
    if (outcome.kind !== "read") continue;
    for (; next < events.length && events[next]!.main <= outcome.revision; next += 1) {
      const event = events[next]!;
      const key = text(event.kv.key);
      if (event.kind === "put") state.set(key, { value: text(event.kv.value), modRevision: event.main });
      else state.delete(key);
    }
    const expected = state.get(request.key);
    const { found } = outcome;
    if (expected?.value !== found?.value || expected?.modRevision !== found?.modRevision) {
      fail("a read does not show the state at its revision", { read, expected });
    }
  }
}

/** A change comes behind everything that returned before it was called; a read may stand beside. */
function checkRealTime(operations: readonly Operation[]): void {
  const placed = operations.filter((o) => o.outcome.kind === "read" || o.outcome.kind === "written");
  const calls = [...placed].sort((a, b) => a.calledAt - b.calledAt);
  const returns = [...placed].sort((a, b) => a.returnedAt - b.returnedAt);
  let newest = 0;
  let newestOperation: Operation | undefined;
  let next = 0;
  for (const operation of calls) {
    for (; next < returns.length && returns[next]!.returnedAt < operation.calledAt; next += 1) {
      if (revisionOf(returns[next]!) > newest) {
        newest = revisionOf(returns[next]!);
        newestOperation = returns[next]!;
      }
    }
    const { outcome } = operation;
    const least = outcome.kind === "written" && outcome.changed ? newest + 1 : newest;
    if (revisionOf(operation) < least) {
      fail("an operation stands behind one that had returned before it began", {
        operation,
        newestOperation,
      });
    }
  }
}

function revisionOf(operation: Operation): number {
  const { outcome } = operation;
  return outcome.kind === "read" || outcome.kind === "written" ? outcome.revision : 0;
}

function text(bytes: Uint8Array): string {
  return binaryString(bytes);
}

/** Keys and values of the simulation are plain ASCII, so that both ways of writing them agree. */
export function bytes(value: string): Uint8Array {
  return utf8(value);
}

function fail(what: string, facts: unknown): never {
  throw new HistoryViolation(`${what}: ${JSON.stringify(facts, printable)}`);
}

function printable(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString(16);
  return value instanceof Uint8Array ? binaryString(value) : value;
}
