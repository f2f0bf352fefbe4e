import { assertNever } from "@quorate/base";
import type { Term } from "@quorate/raft";
import type { CommandOutcome, ReadOutcome } from "@quorate/state-machine";
import { failureOf, type ResponseEncoder, type Result } from "@quorate/wire";

/** What a command did, as the gateway hands it on. */
export function encodeOutcome(encoder: ResponseEncoder, outcome: CommandOutcome, raftTerm: Term): Result {
  if (!outcome.ok) return { ok: false, failure: failureOf(outcome.error) };
  const { response } = outcome;
  switch (response.kind) {
    case "put":
      return { ok: true, bytes: encoder.put(response.response, raftTerm) };
    case "delete-range":
      return { ok: true, bytes: encoder.deleteRange(response.response, raftTerm) };
    case "txn":
      return { ok: true, bytes: encoder.txn(response.response, raftTerm) };
    case "compact":
      return { ok: true, bytes: encoder.compact(response.response, raftTerm) };
    default:
      return assertNever(response);
  }
}

/** What a read found, likewise. */
export function encodeRead(encoder: ResponseEncoder, outcome: ReadOutcome, raftTerm: Term): Result {
  if (!outcome.ok) return { ok: false, failure: failureOf(outcome.error) };
  const bytes =
    outcome.kind === "range"
      ? encoder.range(outcome.response, raftTerm)
      : encoder.txn(outcome.response, raftTerm);
  return { ok: true, bytes };
}
