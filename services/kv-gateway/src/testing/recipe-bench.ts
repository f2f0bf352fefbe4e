import { VirtualTime } from "@quorate/actor";
import { textOf, utf8 } from "@quorate/base";
import { etcdserverpb, wireId } from "@quorate/wire";
import { ScriptedFanout } from "../../../../libs/client/src/testing/scripted-fanout";
import type { CallOutcome } from "../actors/pending-call";
import type { Abandonable, ApiMethod, CallContext } from "../api/api-method";
import type { GatewayOptions } from "../gateway";
import { grpcStatusOf } from "../grpc/status";
import { StoreBehind } from "./store-behind";
import { testGateway, type TestGateway } from "./test-gateway";

const NO_LIMITS: CallContext = { timeoutMs: Infinity, requireLeader: false };

interface MessageType<Message> {
  decode(bytes: Uint8Array): Message;
}

/** What a call has come to so far, to be compared at once: nothing, a decoded answer, or what a client is told. */
export interface Asked<Response> extends Abandonable {
  answer: Response | undefined;
  failure: string | undefined;
}

/** A gateway on virtual time with a store and a fan-out behind it, for specs of locks and elections. */
export class RecipeBench {
  readonly time = new VirtualTime();
  readonly parts: TestGateway;
  readonly store: StoreBehind;

  constructor(options: Partial<GatewayOptions> = {}) {
    this.parts = testGateway({ clock: this.time, scheduler: this.time }, options);
    this.store = new StoreBehind(this.parts.nodes);
    this.startFanout(1);
    this.parts.nodes[0].leads(5);
    this.time.advance(10);
  }

  startFanout(source: number): void {
    const { network, subjects } = this.parts;
    const transport = network.connect(`fanout${source}`);
    const { revision } = this.store;
    this.store.fanout = new ScriptedFanout({ source, revision }, { transport, subjects });
  }

  /** Lets time pass, and what is promised happen. */
  async pass(ms = 30): Promise<void> {
    for (let at = 0; at < ms; at += 1) {
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
      this.time.advance(1);
    }
  }

  ask<Response>(
    method: ApiMethod,
    request: { finish(): Uint8Array },
    response: MessageType<Response>,
    context: Partial<CallContext> = {},
  ): Asked<Response> {
    const asked: Asked<Response> = { answer: undefined, failure: undefined, abandon: () => call?.abandon() };
    const call = method(request.finish(), { ...NO_LIMITS, ...context }, (outcome: CallOutcome) => {
      if (outcome.kind === "ok") asked.answer = response.decode(Uint8Array.from(outcome.bytes));
      else asked.failure = failureText(outcome);
    });
    return asked;
  }

  /** @throws {Error} it was not answered at once. */
  async answered<Response>(asked: Asked<Response>): Promise<Response> {
    await this.pass();
    if (asked.answer === undefined) throw new Error(`no answer: ${asked.failure ?? "it waits"}`);
    return asked.answer;
  }

  async grant(id: bigint): Promise<void> {
    const request = etcdserverpb.LeaseGrantRequest.encode({ ID: wireId(id), TTL: 100 });
    const { lease } = this.parts.gateway;
    await this.answered(this.ask(lease.grant, request, etcdserverpb.LeaseGrantResponse));
  }

  async revoke(id: bigint): Promise<void> {
    const request = etcdserverpb.LeaseRevokeRequest.encode({ ID: wireId(id) });
    const { lease } = this.parts.gateway;
    await this.answered(this.ask(lease.revoke, request, etcdserverpb.LeaseRevokeResponse));
  }

  async delete(key: string): Promise<void> {
    const request = etcdserverpb.DeleteRangeRequest.encode({ key: utf8(key) });
    const { kv } = this.parts.gateway;
    await this.answered(this.ask(kv.deleteRange, request, etcdserverpb.DeleteRangeResponse));
  }

  /** Every key there is, with its value if it has one. */
  async keys(): Promise<readonly string[]> {
    const everything = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) };
    const request = etcdserverpb.RangeRequest.encode(everything);
    const asked = this.ask(this.parts.gateway.kv.range, request, etcdserverpb.RangeResponse);
    const { kvs } = await this.answered(asked);
    return kvs.map(({ key, value }) => {
      const text = textOf(value ?? new Uint8Array(0));
      return textOf(key ?? new Uint8Array(0)) + (text === "" ? "" : `=${text}`);
    });
  }
}

function failureText(outcome: Extract<CallOutcome, { kind: "failed" }>): string {
  const { code, message } = grpcStatusOf(outcome.failure);
  return `${code} ${message}`;
}
