import type { v3electionpb } from "@quorate/wire";

import { CallError, EtcdClient, etcdMethods, type UnaryMethod } from "../harness/etcd-client";
import { EtcdObserve } from "../harness/etcd-observe";
import { eventually } from "../harness/eventually";

type Methods = typeof etcdMethods;
type MethodName = keyof Methods;
type RequestOf<Name extends MethodName> =
  Methods[Name] extends UnaryMethod<infer Request, infer _Response> ? Request : never;

/** Calls on their way, made in a scene. */
export interface Running {
  /** Resolves when it was answered or refused, whatever the answer. */
  readonly over: Promise<unknown>;
}

/**
 * Locks and elections played on one server. Everything that is answered is noted in the order of the calls, so that a play on
 * another server can be compared.
 */
export class RecipeScene {
  readonly log: unknown[] = [];
  readonly #client: EtcdClient;
  readonly #observers: EtcdObserve[] = [];

  constructor(private readonly address: string) {
    this.#client = new EtcdClient({ address });
  }

  /** Makes a call and waits for its answer, which is returned decoded; `undefined` if it was refused. */
  async call<Name extends MethodName>(
    name: Name,
    request: RequestOf<Name>,
    deadlineMs?: number,
  ): Promise<ReturnType<Methods[Name]["decode"]> | undefined> {
    const method = etcdMethods[name] as unknown as UnaryMethod<
      RequestOf<Name>,
      ReturnType<Methods[Name]["decode"]>
    >;
    const note: Record<string, unknown> = {};
    this.log.push(note);
    try {
      const answer = await this.#client.call(method, request, deadlineMs);
      note[name] = plain(answer);
      return answer;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // Whether the client or the server is first to see that its deadline has come is chance.
      const isLate = /deadline exceeded/i.test(error.text);
      note[name] = isLate ? "too late" : `${error.code} ${error.text}`;
      return undefined;
    }
  }

  /** Makes a call that is not answered at once. */
  begin<Name extends MethodName>(name: Name, request: RequestOf<Name>, deadlineMs?: number): Running {
    return { over: this.call(name, request, deadlineMs) };
  }

  async grant(id: number, ttlSeconds = 100): Promise<void> {
    await this.#client.leaseGrant({ ID: id, TTL: ttlSeconds });
  }

  /** Waits until there are so many contenders for `name`. */
  async contenders(name: string, count: number): Promise<void> {
    const range = { key: bytes(`${name}/`), rangeEnd: bytes(`${name}0`), countOnly: true };
    await eventually(`${count} contenders`, { withinMs: 10_000 }, async () => {
      return Number((await this.#client.range(range)).count) === count;
    });
  }

  observe(name: string): EtcdObserve {
    const observer = new EtcdObserve(this.address, bytes(name));
    this.#observers.push(observer);
    return observer;
  }

  noteObserved(responses: readonly v3electionpb.LeaderResponse[]): void {
    this.log.push({ observed: responses.map(plain) });
  }

  close(): void {
    for (const observer of this.#observers) observer.close();
    this.#client.close();
  }
}

export function bytes(text: string): Buffer {
  return Buffer.from(text);
}

/** An answer without what differs between any two clusters: who answered, and leases that the server has drawn. */
function plain(message: object): unknown {
  return JSON.parse(JSON.stringify(message), (field, value: unknown) => {
    if (field === "header") return (value as { revision?: unknown }).revision;
    const isText = typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
    if (isText)
      return withoutDrawnLease(Buffer.from((value as unknown as { data: number[] }).data).toString());
    return field === "lease" && String(value).length > 6 ? "drawn" : value;
  });
}

/** The key of a lease that the server has drawn. */
export function withoutDrawnLease(text: string): string {
  return text.replace(/\/[0-9a-f]{10,16}$/gm, "/drawn");
}
