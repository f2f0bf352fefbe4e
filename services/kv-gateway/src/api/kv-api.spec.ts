import { VirtualTime } from "@quorate/actor";
import { utf8 } from "@quorate/base";
import { NO_TRACER, type Span, type TraceContext, type Tracer } from "@quorate/telemetry";
import { etcdserverpb } from "@quorate/wire";
import type { CallOutcome } from "../actors/pending-call";
import { testGateway } from "../testing/test-gateway";
import { PROPOSAL_OVERHEAD_BYTES } from "./api-calls";

const CONTEXT = { timeoutMs: Infinity, requireLeader: false };
const INCOMING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OWN = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01" as TraceContext;

/** Samples every request and writes down what becomes of its span. */
class RecordingTracer implements Tracer {
  readonly enabled = true;
  readonly events: string[] = [];
  readonly startSpan = NO_TRACER.startSpan;

  startRequest(name: string, incoming: TraceContext | undefined): Span {
    this.events.push(`start ${name} under ${incoming}`);
    return {
      context: OWN,
      setAttribute: () => undefined,
      fail: (error) => void this.events.push(`fail ${String(error)}`),
      end: () => void this.events.push("end"),
    };
  }
}

function putOf(valueBytes: number): Uint8Array {
  return etcdserverpb.PutRequest.encode({ key: utf8("k"), value: new Uint8Array(valueBytes) }).finish();
}

describe("KvApi", () => {
  it("continues the caller's trace to the leader, and ends the span with the answer", () => {
    const time = new VirtualTime();
    const tracer = new RecordingTracer();
    const { gateway, nodes } = testGateway({ clock: time, scheduler: time }, {}, tracer);
    nodes[0].leads(5);
    time.advance(10);
    gateway.kv.put(putOf(1), { ...CONTEXT, traceparent: INCOMING }, () => undefined);
    gateway.kv.put(putOf(0).subarray(0, 0), CONTEXT, () => undefined); // invalid: not even begun
    time.advance(10);
    expect(nodes[0].proposals).toMatchObject([{ traceparent: OWN }]);
    expect(tracer.events).toEqual([`start kv.put under ${INCOMING}`, "end"]);
  });

  it("sends no trace header for calls that are not sampled", () => {
    const time = new VirtualTime();
    const { gateway, nodes } = testGateway({ clock: time, scheduler: time });
    nodes[0].leads(5);
    time.advance(10);
    gateway.kv.put(putOf(1), { ...CONTEXT, traceparent: INCOMING }, () => undefined);
    time.advance(10);
    expect(nodes[0].proposals).toMatchObject([{ traceparent: undefined }]);
  });

  it("takes a write of just under 1.5 MiB with its envelope, and refuses one byte more", () => {
    const time = new VirtualTime();
    const { gateway, nodes } = testGateway({ clock: time, scheduler: time });
    nodes[0].leads(5);
    time.advance(10);
    const surroundings = putOf(1_500_000).length - 1_500_000;
    const largest = 1_572_864 - PROPOSAL_OVERHEAD_BYTES - surroundings;
    const outcomes: CallOutcome[] = [];
    for (const size of [largest, largest + 1]) {
      gateway.kv.put(putOf(size), CONTEXT, (outcome) => void outcomes.push(outcome));
    }
    time.advance(100);
    expect(outcomes).toMatchObject([
      { kind: "failed", failure: { code: "too-large", unknownOutcome: false } },
      { kind: "ok" },
    ]);
  });

  it("waits no longer than the request timeout, and no longer than the caller", () => {
    const time = new VirtualTime();
    const { gateway } = testGateway({ clock: time, scheduler: time });
    const answeredAt: number[] = [];
    for (const timeoutMs of [Infinity, 60_000, 500]) {
      gateway.kv.put(putOf(1), { ...CONTEXT, timeoutMs }, () => void answeredAt.push(time.now()));
    }
    time.advance(10_000);
    expect(answeredAt).toEqual([500, 7000, 7000]);
  });

  it("answers calls that still wait when the gateway closes", () => {
    const time = new VirtualTime();
    const { gateway } = testGateway({ clock: time, scheduler: time });
    const outcomes: CallOutcome[] = [];
    gateway.kv.put(putOf(1), CONTEXT, (outcome) => void outcomes.push(outcome));
    expect(gateway.idle).toBe(false);
    gateway.close();
    expect(gateway.idle).toBe(true);
    expect(outcomes).toMatchObject([{ kind: "failed", failure: { code: "stopped", unknownOutcome: false } }]);
  });
});
