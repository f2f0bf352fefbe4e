import type { etcdserverpb } from "@quorate/wire";
import Long from "long";

import { CallError, etcdMethods, type EtcdClient, type UnaryMethod } from "../harness/etcd-client";
import type { KvRequest } from "./request-generator";

/** A message or a part of one, in a form that compares and prints well. */
export type Plain = string | boolean | readonly Plain[] | { readonly [field: string]: Plain };

/** What a server made of a request. */
export type Outcome =
  | { readonly kind: "answer"; readonly body: Plain; readonly revision: number }
  | { readonly kind: "error"; readonly code: number; readonly text: string };

/** Where a request can be sent: a server, or a server with a fault planted in front of it. */
export type Subject = (request: KvRequest) => Promise<Outcome>;

/** A subject that asks through `client`. Fields of the header that differ between any two clusters are left out. */
export function subjectOver(client: EtcdClient): Subject {
  return async ({ method, request }) => {
    try {
      const unaryMethod: UnaryMethod<unknown, WithHeader> = etcdMethods[method];
      const answer = await client.call(unaryMethod, request);
      const header = answer.header && { ...answer.header, clusterId: 0, memberId: 0, raftTerm: 0 };
      const revision = Number(answer.header?.revision ?? 0);
      return { kind: "answer", body: plainFields({ ...answer, header }), revision };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return { kind: "error", code: error.code, text: error.text };
    }
  };
}

interface WithHeader {
  readonly header?: etcdserverpb.ResponseHeader.$Properties | null;
}

/**
 * A message as it would be seen by any client. Scalars with their default value are dropped, because proto3 lets a server
 * write them or not; a message that is present but empty is kept, because that can be told apart.
 */
export function plain(value: unknown): Plain | undefined {
  if (value instanceof Uint8Array) {
    return value.length === 0 ? undefined : JSON.stringify(Buffer.from(value).toString("latin1"));
  }
  if (Array.isArray(value))
    return value.length === 0 ? undefined : value.map((item) => plain(item) ?? "(default)");
  switch (typeof value) {
    case "boolean":
      return value ? true : undefined;
    case "string":
      return value === "" ? undefined : value;
    case "number":
      return value === 0 ? undefined : `${value}`;
    case "object":
      if (value === null) return undefined;
      if (Long.isLong(value)) return value.isZero() ? undefined : value.toString();
      return plainFields(value);
    default:
      return undefined;
  }
}

function plainFields(message: object): Plain {
  const fields = Object.entries(message)
    .map(([name, field]) => [name, plain(field)] as const)
    .filter((field): field is readonly [string, Plain] => field[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields);
}
