import type { Change, Operation, StoreRequest, StoreResult, Version } from "./history";

/** [call, return] */
export type Span = readonly [number, number];

/** Operations for specs, in few words. Keys begin with what they hold: a version is `version("a", "1", 2)`. */
export function version(
  key: string,
  value: string,
  modRevision: number,
  fields: Partial<Version> = {},
): Version {
  return { key, value, modRevision, createRevision: modRevision, version: 1, ...fields };
}

export function ok(
  client: number,
  [calledAt, returnedAt]: Span,
  request: StoreRequest,
  revision: number,
  result: StoreResult,
): Operation {
  return { client, calledAt, returnedAt, request, outcome: { kind: "ok", revision, result } };
}

export function put(client: number, span: Span, key: string, value: string, revision: number): Operation {
  return ok(client, span, { kind: "put", key, value }, revision, { kind: "put" });
}

export function get(
  client: number,
  span: Span,
  key: string,
  found: Version | undefined,
  revision: number,
): Operation {
  const kvs = found === undefined ? [] : [found];
  return ok(client, span, { kind: "range", key }, revision, { kind: "range", kvs });
}

export function remove(
  client: number,
  span: Span,
  key: string,
  deleted: number,
  revision: number,
): Operation {
  return ok(client, span, { kind: "delete", key }, revision, { kind: "delete", deleted });
}

/** Puts if `key` is as it was at `seen`. */
export function swap(
  client: number,
  span: Span,
  key: string,
  value: string,
  seen: number,
  answer: { readonly succeeded: boolean; readonly revision: number },
): Operation {
  const results = answer.succeeded ? [{ kind: "put" } as const] : [];
  return ok(client, span, swapRequest(key, value, seen), answer.revision, {
    kind: "txn",
    succeeded: answer.succeeded,
    results,
  });
}

export function swapRequest(key: string, value: string, seen: number): StoreRequest {
  return {
    kind: "txn",
    compare: [{ target: "mod", key, equals: seen }],
    success: [{ kind: "put", key, value }],
    failure: [],
  };
}

export function unknown(client: number, calledAt: number, request: StoreRequest): Operation {
  return {
    client,
    calledAt,
    returnedAt: calledAt + 1,
    request,
    outcome: { kind: "unknown", code: "timeout" },
  };
}

export function refused(client: number, [calledAt, returnedAt]: Span, request: StoreRequest): Operation {
  return { client, calledAt, returnedAt, request, outcome: { kind: "refused", code: "no-space" } };
}

/** `a=1` puts, `a` deletes; each at the next revision, from 2 on. What one revision holds is joined by `+`. */
export function log(...revisions: readonly string[]): Change[] {
  return revisions.flatMap((text, at) =>
    text.split("+").map((change): Change => {
      const [key, value] = change.split("=") as [string, string?];
      return { revision: at + 2, key, ...(value === undefined ? {} : { value }) };
    }),
  );
}
