import type { etcdserverpb } from "@quorate/wire";

import type { Plain } from "./outcome";
import type { KvRequest } from "./request-generator";

type Fields = { readonly [field: string]: Plain };

/** The field of a key-value that each sort target looks at, by number of the target. */
const sortedBy = ["key", "version", "createRevision", "modRevision", "value"] as const;

/**
 * Takes out of an answer what the API leaves open: keys that are equal in the sort target come in any order, and a limit
 * that cuts through such a group may keep any of them.
 *
 * Of a group that a limit may have cut only the sort field is kept, of other groups all, in key order.
 */
export function withoutOrderOfTies(request: KvRequest, body: Plain): Plain {
  if (request.method === "range") return sortTies(request.request, body as Fields);
  if (request.method === "txn") return sortTiesInTxn(request.request, body as Fields);
  return body;
}

function sortTiesInTxn(request: etcdserverpb.TxnRequest.$Properties, body: Fields): Fields {
  const taken = (body["succeeded"] === true ? request.success : request.failure) ?? [];
  const responses = (body["responses"] ?? []) as readonly Fields[];
  if (responses.length !== taken.length) return body; // a difference that must show
  const sorted = responses.map((response, at) => {
    const operation = taken[at] ?? {};
    if (operation.requestRange && response["responseRange"] !== undefined) {
      return {
        ...response,
        responseRange: sortTies(operation.requestRange, response["responseRange"] as Fields),
      };
    }
    if (operation.requestTxn && response["responseTxn"] !== undefined) {
      return {
        ...response,
        responseTxn: sortTiesInTxn(operation.requestTxn, response["responseTxn"] as Fields),
      };
    }
    return response;
  });
  return responses.length === 0 ? body : { ...body, responses: sorted };
}

function sortTies(request: etcdserverpb.RangeRequest.$Properties, body: Fields): Fields {
  const target = sortedBy[request.sortTarget ?? 0];
  // Keys differ, so an order by key is total. Sorting by value before the values are dropped leaves no field to see it by.
  if (target === undefined || target === "key" || (target === "value" && request.keysOnly === true))
    return body;
  const groups: Fields[][] = [];
  for (const kv of (body["kvs"] ?? []) as readonly Fields[]) {
    const group = groups.at(-1);
    if (group !== undefined && group[0]?.[target] === kv[target]) group.push(kv);
    else groups.push([kv]);
  }
  if (groups.length === 0) return body;
  const cut = body["more"] === true ? groups.length - 1 : -1;
  const kvs = groups.flatMap((group, at) =>
    at === cut
      ? group.map((kv) => ({ [target]: kv[target] ?? "0" }))
      : group.toSorted((a, b) => ((a["key"] as string) < (b["key"] as string) ? -1 : 1)),
  );
  return { ...body, kvs };
}
