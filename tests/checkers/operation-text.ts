import type {
  Comparison,
  Operation,
  StepResult,
  StoreRequest,
  StoreResult,
  TxnStep,
  Version,
} from "./history";

/** One operation in one line, for people. */
export function operationText(operation: Operation): string {
  const { client, calledAt, returnedAt, request, outcome } = operation;
  const until = outcome.kind === "unknown" || returnedAt === Infinity ? "never" : returnedAt.toFixed(1);
  const answer =
    outcome.kind === "ok"
      ? `${resultText(outcome.result)} at revision ${outcome.revision}`
      : `${outcome.kind} (${outcome.code})`;
  return `client ${client} [${calledAt.toFixed(1)}, ${until}] ${requestText(request)} -> ${answer}`;
}

export function requestText(request: StoreRequest): string {
  switch (request.kind) {
    case "txn": {
      const otherwise =
        request.failure.length === 0 ? "" : ` else ${request.failure.map(stepText).join(", ")}`;
      const condition = request.compare.map(comparisonText).join(" and ") || "true";
      return `txn if ${condition} then ${request.success.map(stepText).join(", ") || "nothing"}${otherwise}`;
    }
    case "grant":
      return `grant lease ${request.lease} of ${request.ttlMs} ms`;
    case "revoke":
      return `end of lease ${request.lease}`;
    default:
      return stepText(request);
  }
}

export function resultText(result: StoreResult): string {
  switch (result.kind) {
    case "txn":
      return `${result.succeeded ? "succeeded" : "failed"}: [${result.results.map(stepResultText).join("; ")}]`;
    case "lease":
      return "done";
    default:
      return stepResultText(result);
  }
}

export function contentsText(versions: Iterable<Version>): string {
  const texts = [...versions].map(({ key, value, lease }) => {
    const attached = lease === undefined ? "" : ` (lease ${lease})`;
    return `${quoted(key)} = ${quoted(value)}${attached}`;
  });
  return texts.join(", ") || "nothing";
}

function stepText(step: TxnStep): string {
  const span = "rangeEnd" in step ? `${quoted(step.key)} to ${quoted(step.rangeEnd)}` : quoted(step.key);
  if (step.kind !== "put") return `${step.kind === "range" ? "read" : "delete"} ${span}`;
  return `put ${contentsText([{ ...step, createRevision: 0, modRevision: 0, version: 0 }])}`;
}

function stepResultText(result: StepResult): string {
  switch (result.kind) {
    case "range":
      return contentsText(result.kvs);
    case "put":
      return "done";
    case "delete":
      return `${result.deleted} deleted`;
  }
}

function comparisonText({ key, target, equals }: Comparison): string {
  return `${target} of ${quoted(key)} is ${typeof equals === "string" ? quoted(equals) : equals}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
