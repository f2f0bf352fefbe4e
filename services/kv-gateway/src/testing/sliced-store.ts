import { textOf, utf8 } from "@quorate/base";
import type { KeyValue, LeaseId, Revision } from "@quorate/mvcc";
import { ResponseEncoder, etcdserverpb, saturatingNumber, type NodeAnswer } from "@quorate/wire";
import type { SeenRead } from "./scripted-node";

/** Where the store stands when it is first asked. */
export const CURRENT = 500;
const encoder = new ResponseEncoder({ clusterId: 0xc1n, memberId: 1n });

/** What a node with keys k00000, k00001, … answers, looking at a few keys at a time; it writes down what it was asked. */
export class SlicedStore {
  readonly asked: string[] = [];

  constructor(
    private readonly keys: readonly string[],
    private readonly keysAtOnce: number,
  ) {}

  readonly read = ({ reads, serializable }: SeenRead): NodeAnswer => {
    const [{ kind, bytes }] = reads as [SeenRead["reads"][number]];
    const request = etcdserverpb.RangeRequest.decode(bytes);
    const limit = saturatingNumber(request.limit);
    const revision = saturatingNumber(request.revision);
    const from = textOf(request.key);
    const counts = request.countOnly ? " count" : "";
    this.asked.push(
      `${kind}${counts} ${from.replace("\0", "+")} limit=${limit} rev=${revision}${serializable ? " stale" : ""}`,
    );
    const rest = this.keys.filter((key) => key >= from);
    const seen = rest.slice(0, this.keysAtOnce);
    const found = request.countOnly ? [] : seen.slice(0, limit > 0 ? limit : undefined);
    const response = {
      revision: (revision > 0 ? CURRENT + 9 : CURRENT) as Revision,
      kvs: found.map(keyValue),
      more: !request.countOnly && found.length < seen.length,
      count: seen.length,
    };
    const answer = { ok: true as const, bytes: encoder.range(response, 5) };
    const partial = { ...answer, next: utf8(`${seen.at(-1)}\0`) };
    return { kind: "results", results: [seen.length < this.keysAtOnce ? answer : partial] };
  };
}

function keyValue(key: string): KeyValue {
  return {
    key: utf8(key),
    value: utf8("v"),
    createRevision: 2 as Revision,
    modRevision: 2 as Revision,
    version: 1,
    lease: 0n as LeaseId,
  };
}
