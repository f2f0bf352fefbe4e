import { binaryString, EMPTY_BYTES, invariant, utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { InboundMessage, MemoryNetwork } from "@quorate/transport";
import type { WatchEvent as HubEvent } from "@quorate/watch";
import {
  decodeBatchRequest,
  decodeMessage,
  encodeBatchResponse,
  etcdserverpb,
  mvccpb,
  saturatingNumber,
  type BatchAnswer,
  type Subjects,
} from "@quorate/wire";
import { ScriptedFanout } from "./scripted-fanout";

const OUT_OF_RANGE = 11;

/** One version of a key, as a test looks at it. */
export interface StoredVersion {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

interface LoggedEvent {
  readonly revision: number;
  readonly key: string;
  /** `undefined`: deleted. */
  readonly after: StoredVersion | undefined;
}

/**
 * Keys with their whole history, for specs: a test writes, a client reads ranges of it and watches it through any number of
 * fan-outs, each on a connection `fanout<n>` of its own. It remembers everything, and only says that it has compacted.
 */
export class ScriptedStore {
  revision = 1;
  compactRevision = -1;
  /** The revisions and limits of the ranges that were asked for. */
  readonly ranges: { readonly revision: number; readonly limit: number }[] = [];
  /** Ranges of which the revision had been compacted. */
  refused = 0;
  /** Ranges of more keys than this are never answered: too large for one message. */
  answerKeysMax = Infinity;
  /** Called after each range was read and before it is answered. */
  afterRange: (() => void) | undefined;
  #lastRangeKeys = 0;
  readonly #log: LoggedEvent[] = [];
  readonly #fanouts = new Set<ScriptedFanout>();

  constructor(
    private readonly dependencies: { readonly network: MemoryNetwork; readonly subjects: Subjects },
  ) {
    const { network, subjects } = dependencies;
    const transport = network.connect("gateway");
    transport.subscribe(subjects.api("kv", "batch"), ({ payload, reply }: InboundMessage) => {
      const answers = decodeBatchRequest(payload.slice()).map(({ bytes }) => this.#range(bytes));
      if (this.#lastRangeKeys > this.answerKeysMax) return;
      transport.publish(reply!, encodeBatchResponse(answers));
    });
  }

  /** Begins where the store stands; what was before it takes from history. */
  fanout(source: number): ScriptedFanout {
    const { network, subjects } = this.dependencies;
    const fanout = new ScriptedFanout(
      { source, revision: this.revision },
      {
        transport: network.connect(`fanout${source}`),
        subjects,
        history: (from) => {
          const events = this.#log.filter(({ revision }) => revision >= from).map(hubEvent);
          return { from, next: (this.revision + 1) as Revision, events };
        },
      },
    );
    fanout.hub.compacted(this.compactRevision as Revision);
    this.#fanouts.add(fanout);
    return fanout;
  }

  /** It hears of nothing more; what watches by it is to be cut off too. */
  forget(fanout: ScriptedFanout): void {
    this.#fanouts.delete(fanout);
  }

  put(key: string, value: string): number {
    return this.commit({ [key]: value });
  }

  delete(key: string): number {
    return this.commit({ [key]: undefined });
  }

  /** A transaction. @param changes What is `undefined` is deleted. @returns its revision. */
  commit(changes: Readonly<Record<string, string | undefined>>): number {
    const before = this.at(this.revision);
    const revision = this.revision + 1;
    const events = Object.entries(changes).flatMap(([key, value]): LoggedEvent[] => {
      const old = before.get(key);
      if (value === undefined) return old === undefined ? [] : [{ revision, key, after: undefined }];
      const version = (old?.version ?? 0) + 1;
      const createRevision = old?.createRevision ?? revision;
      return [{ revision, key, after: { value, version, createRevision, modRevision: revision } }];
    });
    if (events.length === 0) return this.revision;
    const prevRevision = this.revision as Revision;
    this.revision = revision;
    this.#log.push(...events);
    for (const fanout of this.#fanouts) {
      fanout.hub.feed({
        prevRevision,
        revision: revision as Revision,
        compactRevision: this.compactRevision as Revision,
        events: events.map(hubEvent),
      });
      fanout.flush();
    }
    return revision;
  }

  compact(revision = this.revision): void {
    this.compactRevision = revision;
    for (const fanout of this.#fanouts) {
      fanout.hub.compacted(revision as Revision);
      fanout.flush();
    }
  }

  /** All keys as they were, in order. */
  at(revision: number): Map<string, StoredVersion> {
    const keys = new Map<string, StoredVersion>();
    for (const event of this.#log) {
      if (event.revision > revision) break;
      if (event.after === undefined) keys.delete(event.key);
      else keys.set(event.key, event.after);
    }
    return new Map([...keys].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #range(bytes: Uint8Array): BatchAnswer {
    const request = decodeMessage("RangeRequest", etcdserverpb.RangeRequest, bytes);
    const { key, rangeEnd } = request;
    const asked = { revision: saturatingNumber(request.revision), limit: saturatingNumber(request.limit) };
    invariant(asked.revision <= this.revision, "no range of the future is asked for");
    this.ranges.push(asked);
    if (asked.revision > 0 && asked.revision < this.compactRevision) {
      this.refused += 1;
      const message = "etcdserver: mvcc: required revision has been compacted";
      return { ok: false, code: OUT_OF_RANGE, message, unknownOutcome: false };
    }
    const [start, end] = [binaryString(key), binaryString(rangeEnd ?? EMPTY_BYTES)];
    const found = [...this.at(asked.revision > 0 ? asked.revision : this.revision)].filter(
      ([name]) => name >= start && (end === "\0" || name < end),
    );
    const kvs = found
      .slice(0, asked.limit > 0 ? asked.limit : found.length)
      .map(([name, version]) => ({ ...version, key: utf8(name), value: utf8(version.value) }));
    this.#lastRangeKeys = kvs.length;
    const answer = etcdserverpb.RangeResponse.encode({
      header: { revision: this.revision },
      kvs,
      count: found.length,
      more: kvs.length < found.length,
    }).finish();
    this.afterRange?.();
    return { ok: true, bytes: answer };
  }
}

function hubEvent({ revision, key, after }: LoggedEvent): HubEvent {
  const type = after === undefined ? mvccpb.Event.EventType.DELETE : mvccpb.Event.EventType.PUT;
  const kv =
    after === undefined
      ? { key: utf8(key), modRevision: revision }
      : { ...after, key: utf8(key), value: utf8(after.value) };
  const bytes = mvccpb.Event.encode({ type, kv }).finish();
  return {
    kind: after === undefined ? "delete" : "put",
    main: revision as Revision,
    key: binaryString(utf8(key)),
    bytes,
    headBytes: bytes.length,
  };
}
