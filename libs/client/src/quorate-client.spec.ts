import { VirtualTime } from "@quorate/actor";
import { seededPrng, textOf, utf8 } from "@quorate/base";
import { MemoryNetwork, type InboundMessage, type Transport } from "@quorate/transport";
import {
  decodeBatchRequest,
  decodeMessage,
  encodeBatchResponse,
  etcdserverpb,
  type BatchAnswer,
  type BatchCall,
} from "@quorate/wire";
import { QuorateError } from "./errors";
import { between, prefix } from "./key-range";
import { QuorateClient } from "./quorate-client";
import { compare, operation } from "./transaction";

const BATCH_SUBJECT = "quorate.test.kv.batch";

/** A client, and in place of a gateway whatever the test says, on one network in virtual time. */
class Bench {
  readonly time = new VirtualTime();
  readonly network = new MemoryNetwork({}, { clock: this.time, scheduler: this.time, prng: seededPrng(1) });
  readonly gateway: Transport = this.network.connect("gateway");
  readonly client: QuorateClient;
  /** The calls of each batch that arrived. */
  readonly batches: BatchCall[][] = [];

  constructor(options: { readonly pendingCallsMax?: number } = {}) {
    this.client = new QuorateClient(
      { cluster: "test", timeoutMs: 1000, ...options },
      { transport: this.network.connect("client"), clock: this.time, scheduler: this.time },
    );
  }

  /** Answers every batch with what `answer` makes of each of its calls; `undefined` leaves the batch unanswered. */
  serve(answer: (call: BatchCall) => BatchAnswer | undefined): void {
    this.gateway.subscribe(BATCH_SUBJECT, (message: InboundMessage) => {
      const calls = decodeBatchRequest(message.payload.slice());
      this.batches.push(calls);
      const answers = calls.map(answer).filter((given) => given !== undefined);
      if (answers.length === calls.length) this.gateway.publish(message.reply!, encodeBatchResponse(answers));
    });
  }

  /** Lets virtual time pass until `promise` has settled. */
  async outcomeOf<T>(promise: Promise<T>): Promise<T | QuorateError> {
    let settled: { value: T | QuorateError } | undefined;
    void promise.then(
      (value) => (settled = { value }),
      (error: unknown) => (settled = { value: error as QuorateError }),
    );
    for (let turn = 0; turn < 10_000; turn += 1) {
      await Promise.resolve();
      if (settled !== undefined) return settled.value;
      this.time.step();
    }
    throw new Error("The call never settled");
  }
}

const putAnswer: BatchAnswer = {
  ok: true,
  bytes: etcdserverpb.PutResponse.encode({ header: { revision: 7 } }).finish(),
};

function rangeAnswer(key: string, value: string): BatchAnswer {
  const kvs = [{ key: utf8(key), value: utf8(value), createRevision: 2, modRevision: 3, version: 2 }];
  return {
    ok: true,
    bytes: etcdserverpb.RangeResponse.encode({ header: { revision: 9 }, kvs, count: 1 }).finish(),
  };
}

const unavailable: BatchAnswer = {
  ok: false,
  code: 14,
  message: "etcdserver: no leader",
  unknownOutcome: false,
};

describe("QuorateClient", () => {
  it("sends the calls of one turn as one batch and gives each its own answer", async () => {
    const bench = new Bench();
    bench.serve((call) => {
      if (call.kind === "put") return putAnswer;
      const { key } = decodeMessage("RangeRequest", etcdserverpb.RangeRequest, call.bytes);
      return rangeAnswer(textOf(key), `value of ${textOf(key)}`);
    });
    const calls = Promise.all([bench.client.put("a", "1"), bench.client.get("b"), bench.client.get("c")]);
    const [put, b, c] = (await bench.outcomeOf(calls)) as Awaited<typeof calls>;
    expect(bench.batches.map((batch) => batch.map(({ kind }) => kind))).toEqual([["put", "range", "range"]]);
    expect(put).toMatchObject({ revision: 7, previous: undefined });
    expect([b?.keyText, b?.text, b?.modRevision]).toEqual(["b", "value of b", 3]);
    expect(c?.text).toBe("value of c");
  });

  it("splits a turn's calls at 1000 calls and at 512 KiB", async () => {
    const bench = new Bench();
    bench.serve(() => putAnswer);
    const many = Array.from({ length: 1500 }, (_, at) => bench.client.put(`k${at}`, "v"));
    await bench.outcomeOf(Promise.all(many));
    expect(bench.batches.map(({ length }) => length)).toEqual([1000, 500]);

    bench.batches.length = 0;
    const large = new Uint8Array(200 * 1024);
    await bench.outcomeOf(Promise.all([1, 2, 3].map((at) => bench.client.put(`large${at}`, large))));
    expect(bench.batches.map(({ length }) => length)).toEqual([2, 1]);
  });

  it("keeps what it returns although the transport reuses its buffers", async () => {
    const bench = new Bench();
    bench.serve(() => rangeAnswer("k", "first"));
    const first = await bench.outcomeOf(bench.client.get("k"));
    await bench.outcomeOf(bench.client.get("another"));
    expect(first instanceof QuorateError ? first : first?.text).toBe("first");
  });

  it("repeats a read until the cluster is available again", async () => {
    const bench = new Bench();
    let refusals = 3;
    bench.serve(() => {
      refusals -= 1;
      return refusals >= 0 ? unavailable : rangeAnswer("k", "v");
    });
    const result = await bench.outcomeOf(bench.client.get("k"));
    expect(result).toMatchObject({ text: "v" });
    expect(bench.batches).toHaveLength(4);
  });

  it("ends a read that stays unavailable at its deadline", async () => {
    const bench = new Bench();
    bench.serve(() => unavailable);
    const result = await bench.outcomeOf(bench.client.get("k", { timeoutMs: 300 }));
    expect(result).toMatchObject({ outcome: "definite" });
    expect(result).toBeInstanceOf(QuorateError);
    expect(bench.time.now()).toBeLessThanOrEqual(300);
  });

  it("sends a write once, even if it was refused for certain", async () => {
    const bench = new Bench();
    bench.serve(() => unavailable);
    const result = await bench.outcomeOf(bench.client.put("k", "v"));
    expect(result).toMatchObject({
      code: "UNAVAILABLE",
      message: "etcdserver: no leader",
      outcome: "definite",
    });
    expect(bench.batches).toHaveLength(1);
  });

  it("sends a transaction that only reads again, and one that may write once", async () => {
    const bench = new Bench();
    bench.serve(() => unavailable);
    await bench.outcomeOf(bench.client.txn().then(operation.get("k")).commit({ timeoutMs: 300 }));
    expect(bench.batches.length).toBeGreaterThan(1);
    bench.batches.length = 0;
    await bench.outcomeOf(bench.client.txn().else(operation.delete("k")).commit({ timeoutMs: 300 }));
    expect(bench.batches).toHaveLength(1);
  });

  it("reports a write without an answer as unknown, and a read as definite", async () => {
    const bench = new Bench();
    bench.serve(() => undefined);
    const write = await bench.outcomeOf(bench.client.put("k", "v"));
    expect(write).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "unknown" });
    const read = await bench.outcomeOf(bench.client.get("k"));
    expect(read).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "definite" });
  });

  it("hands on what the gateway says about the outcome of a write", async () => {
    const bench = new Bench();
    bench.serve(() => ({
      ok: false,
      code: 14,
      message: "etcdserver: request timed out",
      unknownOutcome: true,
    }));
    const result = await bench.outcomeOf(bench.client.delete("k"));
    expect(result).toMatchObject({
      code: "UNAVAILABLE",
      message: "etcdserver: request timed out",
      outcome: "unknown",
    });
  });

  it("knows that a write which nobody was there to take did not happen", async () => {
    const result = await withoutGateway((client) => client.put("k", "v"));
    expect(result).toMatchObject({ code: "UNAVAILABLE", outcome: "definite" });
  });

  it("takes back a write that is aborted in the turn it was made in", async () => {
    const bench = new Bench();
    bench.serve(() => putAnswer);
    const controller = new AbortController();
    const write = bench.client.put("k", "v", { signal: controller.signal });
    controller.abort();
    expect(await bench.outcomeOf(write)).toMatchObject({ code: "CANCELLED", outcome: "definite" });
    bench.time.advance(100);
    expect(bench.batches).toHaveLength(0);
  });

  it("cannot take back a write that was sent before it was aborted", async () => {
    const bench = new Bench();
    bench.serve(() => undefined);
    const controller = new AbortController();
    const write = bench.client.put("k", "v", { signal: controller.signal });
    bench.time.advance(10);
    controller.abort();
    expect(await bench.outcomeOf(write)).toMatchObject({ code: "CANCELLED", outcome: "unknown" });
  });

  it("refuses calls beyond its limit and takes more once some are answered", async () => {
    const bench = new Bench({ pendingCallsMax: 2 });
    bench.serve(() => putAnswer);
    const both = Promise.all([bench.client.put("a", "1"), bench.client.put("b", "2")]);
    expect(await bench.outcomeOf(bench.client.put("c", "3"))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    await bench.outcomeOf(both);
    expect(await bench.outcomeOf(bench.client.put("c", "3"))).toMatchObject({ revision: 7 });
  });

  it("encodes conditions, both branches and the range of a condition", async () => {
    const bench = new Bench();
    let seen: etcdserverpb.TxnRequest.$Properties = {};
    bench.serve((call) => {
      seen = decodeMessage("TxnRequest", etcdserverpb.TxnRequest, call.bytes);
      const responses = [
        { responsePut: { header: { revision: 5 } } },
        { responseDeleteRange: { deleted: 2 } },
      ];
      const response = { header: { revision: 5 }, succeeded: true, responses };
      return { ok: true, bytes: etcdserverpb.TxnResponse.encode(response).finish() };
    });
    const result = await bench.outcomeOf(
      bench.client
        .txn()
        .if(compare.missing("lock"), compare.version(prefix("jobs/"), "<", 3))
        .then(operation.put("lock", "me"), operation.deleteRange(between("a", "c")))
        .else(operation.get("lock"))
        .commit(),
    );
    expect(
      seen.compare?.map(({ key, rangeEnd }) => [textOf(key!), rangeEnd ? textOf(rangeEnd) : undefined]),
    ).toEqual([
      ["lock", undefined],
      ["jobs/", "jobs0"],
    ]);
    expect(seen.success).toHaveLength(2);
    expect(seen.failure).toHaveLength(1);
    expect(result).toMatchObject({
      revision: 5,
      succeeded: true,
      results: [
        { kind: "put", revision: 5 },
        { kind: "delete", deleted: 2 },
      ],
    });
  });

  it("reads the status and the members from subjects of their own", async () => {
    const bench = new Bench();
    const answer = (subject: string, payload: Uint8Array): void => {
      bench.gateway.subscribe(subject, ({ reply }) => void bench.gateway.publish(reply!, payload));
    };
    answer(
      "quorate.test.maintenance.status",
      etcdserverpb.StatusResponse.encode({
        header: { memberId: 0xabc, revision: 4 },
        leader: 0xabc,
        raftTerm: 2,
      }).finish(),
    );
    answer(
      "quorate.test.cluster.memberlist",
      etcdserverpb.MemberListResponse.encode({ members: [{ ID: 0xabc, name: "n1" }] }).finish(),
    );
    expect(await bench.outcomeOf(bench.client.status())).toMatchObject({
      memberId: 0xabcn,
      leaderId: 0xabcn,
      term: 2,
    });
    expect(await bench.outcomeOf(bench.client.members())).toMatchObject([
      { id: 0xabcn, name: "n1", isLearner: false },
    ]);
  });

  it("refuses calls after it was closed", async () => {
    const bench = new Bench();
    await bench.client.close();
    expect(await bench.outcomeOf(bench.client.get("k"))).toMatchObject({
      code: "CANCELLED",
      outcome: "definite",
    });
  });
});

describe("TransactionBuilder", () => {
  it("says what to do instead when untyped code awaits it", async () => {
    const builder: unknown = new Bench().client.txn().if(compare.exists("k"));
    await expect((async () => await (builder as Promise<unknown>))()).rejects.toThrow("call commit()");
  });
});

async function withoutGateway<T>(call: (client: QuorateClient) => Promise<T>): Promise<T | QuorateError> {
  const bench = new Bench();
  return bench.outcomeOf(call(bench.client));
}
