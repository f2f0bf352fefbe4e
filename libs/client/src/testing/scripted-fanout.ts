import { binaryString, utf8 } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type { InboundMessage, Transport } from "@quorate/transport";
import {
  WatchHub,
  type HistoryChunk,
  type SourceId,
  type StreamId,
  type WatchEvent as HubEvent,
} from "@quorate/watch";
import {
  decodeWatchControl,
  decodeWatchOpen,
  encodeWatchDelivery,
  encodeWatchOpened,
  mvccpb,
  type Subjects,
} from "@quorate/wire";

const origin = { clusterId: 1n, memberId: 2n, term: 3 };

/** A fan-out as small as can be, for specs: a hub, and what the test feeds it. */
export class ScriptedFanout {
  readonly hub: WatchHub;
  /** Whether its answers to new streams arrive. */
  answersOpen = true;
  /** What the subscribers told and asked so far. */
  controls = 0;
  readonly #deliver = new Map<StreamId, string>();
  readonly #source: SourceId;

  constructor(
    { source, revision }: { readonly source: number; readonly revision: number },
    private readonly dependencies: {
      readonly transport: Transport;
      readonly subjects: Subjects;
      /** What is told to watchers that begin before the hub's window, from `from` on; absent: they wait in vain. */
      readonly history?: (from: Revision) => HistoryChunk;
    },
  ) {
    const { transport, subjects } = dependencies;
    this.#source = BigInt(source) as SourceId;
    this.hub = new WatchHub(
      { windowBytesMax: 1e6, deliveriesMax: 100, itemBytesMax: 1e5 },
      { revision: revision as Revision, compactRevision: -1 as Revision },
    );
    for (const subject of [subjects.watchOpen, subjects.api("watch", "create")]) {
      transport.subscribe(subject, (message) => this.#open(message));
    }
    for (const subject of [subjects.watchControl(this.#source), subjects.watchStream(this.#source)]) {
      transport.subscribe(subject, (message) => this.#control(message));
    }
  }

  /** @param value Its value; `v` and the revision unless told. */
  put(key: string, revision: number, value = `v${revision}`): void {
    const prevRevision = (revision - 1) as Revision;
    const events = [eventOf(key, revision, value)];
    this.hub.feed({ prevRevision, revision: revision as Revision, compactRevision: -1 as Revision, events });
    this.flush();
  }

  flush(): void {
    const { history } = this.dependencies;
    let from = this.hub.historyWanted();
    for (; from !== undefined && history !== undefined; from = this.hub.historyWanted()) {
      this.hub.history(history(from));
    }
    for (const delivery of this.hub.takeDeliveries()) {
      const deliver = this.#deliver.get(delivery.stream)!;
      this.dependencies.transport.publish(
        deliver,
        encodeWatchDelivery({ kind: "delivery", source: this.#source, origin, delivery }),
      );
    }
  }

  #open({ payload, reply }: InboundMessage): void {
    const { stream, deliver, windowBytes, commands } = decodeWatchOpen(Uint8Array.from(payload));
    this.hub.open(stream, windowBytes);
    this.#deliver.set(stream, deliver);
    this.hub.command(stream, 1, commands);
    if (this.answersOpen) this.dependencies.transport.publish(reply!, encodeWatchOpened(this.#source));
    this.flush();
  }

  #control({ payload, reply }: InboundMessage): void {
    this.controls += 1;
    const { stream, ack, firstCommand, commands, close } = decodeWatchControl(Uint8Array.from(payload));
    if (close) this.hub.close(stream);
    this.hub.acknowledge(stream, ack);
    this.hub.command(stream, firstCommand, commands);
    this.flush();
    if (reply === undefined) return;
    const source = this.#source;
    const delivery = this.hub.position(stream);
    this.dependencies.transport.publish(
      reply,
      encodeWatchDelivery(
        delivery === undefined
          ? { kind: "unknown", source, stream }
          : { kind: "delivery", source, origin, delivery },
      ),
    );
  }
}

function eventOf(key: string, revision: number, value: string): HubEvent {
  const kv = {
    key: utf8(key),
    value: utf8(value),
    createRevision: 2,
    modRevision: revision,
    version: 1,
  };
  const head = mvccpb.Event.encode({ kv }).finish();
  const bytes = mvccpb.Event.encode({ kv, prevKv: { ...kv, value: utf8("before") } }).finish();
  return {
    kind: "put",
    main: revision as Revision,
    key: binaryString(kv.key),
    bytes,
    headBytes: head.length,
  };
}
