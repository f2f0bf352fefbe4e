import type { VirtualTime } from "@quorate/actor";
import { binaryString, randomChance, randomInteger, randomPick, utf8, type Prng } from "@quorate/base";
import type { KeyRange, Revision } from "@quorate/mvcc";
import { etcdserverpb, type mvccpb, saturatingNumber, signedId, type WireInt64 } from "@quorate/wire";
import type { WatchSink, WatchStream } from "../../services/kv-gateway/src/watch/watch-stream";
import type { KeySpan } from "../checkers/history";
import { HistoryViolation } from "../checkers/violation";
import type { WatchRecord } from "../checkers/watches";
import { seenEventOf } from "../workloads/store-messages";
import type { SimulatedWatchGateway } from "./simulated-watch-gateway";

/** What is watched for good, whoever serves it: resumed as etcd's client does. */
interface Interest {
  readonly range: KeyRange;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly progressNotify: boolean;
  next: number;
  record: WatchRecord | undefined;
  watchId: bigint | undefined;
}

const EVERYTHING: KeyRange = { key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]) };

/**
 * An application with one watch stream, which it opens anew, at any gateway, when it breaks: some watchers, of which it
 * sometimes cancels one for another, requests for progress, and times in which it does not read.
 */
export class SimulatedWatchClient {
  readonly records: WatchRecord[] = [];
  #stream: WatchStream | undefined;
  #epoch = 0;
  #interests: Interest[] = [];
  /** Answers to creates must come in the order of the requests. */
  #creates: (Interest | "refused")[] = [];
  /** Cancelled, but that has not been confirmed: until then events may come. */
  #leaving = new Map<bigint, Interest>();
  #responses = 0;
  #stopped = false;
  resumed = 0;

  constructor(
    private readonly options: {
      readonly number: number;
      readonly keys: readonly string[];
      readonly slowChance: number;
    },
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly prng: Prng;
      readonly gateways: readonly SimulatedWatchGateway[];
    },
  ) {}

  get number(): number {
    return this.options.number;
  }

  start(): void {
    const { prng } = this.dependencies;
    this.#interests = Array.from({ length: randomInteger(prng, 1, 3) }, () => this.#interest());
    this.#open();
    this.#act();
  }

  /** No more changes of mind: what is watched now is to be complete in the end. */
  settle(): void {
    this.#stopped = true;
  }

  /** Marks what is still served. */
  finish(): void {
    for (const { record } of this.#interests) {
      if (record?.createdRevision === undefined)
        throw new HistoryViolation(`watch client ${this.options.number} is not served in the end`);
      record.isLast = true;
    }
  }

  #interest(): Interest {
    const { prng } = this.dependencies;
    const key = utf8(randomPick(prng, this.options.keys));
    const range = randomPick(prng, [
      EVERYTHING,
      { key, rangeEnd: undefined },
      { key, rangeEnd: new Uint8Array([0]) },
      { key: utf8("b"), rangeEnd: utf8("d") },
    ]);
    return {
      range,
      prevKv: randomChance(prng, 0.5),
      noPut: randomChance(prng, 0.1),
      noDelete: randomChance(prng, 0.1),
      progressNotify: randomChance(prng, 0.5),
      next: randomPick(prng, [0, 0, 1, 2, 5, 100]),
      record: undefined,
      watchId: undefined,
    };
  }

  #open(): void {
    const { time, prng, gateways } = this.dependencies;
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#creates = [];
    this.#leaving.clear();
    const lost = (): void => {
      if (epoch !== this.#epoch) return;
      this.#stream = undefined;
      this.#epoch += 1;
      this.resumed += 1;
      time.setTimer(randomInteger(prng, 1, 300), () => this.#open());
    };
    const running = gateways.filter((gateway) => gateway.running);
    const write = (response: Uint8Array): boolean => {
      if (epoch !== this.#epoch) throw new HistoryViolation("a stream goes on after its end");
      this.#take(etcdserverpb.WatchResponse.decode(response));
      if (this.#stopped || !randomChance(prng, this.options.slowChance)) return true;
      time.setTimer(randomInteger(prng, 1, 400), () => {
        if (epoch === this.#epoch) this.#stream?.drained();
      });
      return false;
    };
    const writeShared: WatchSink["writeShared"] = (responses) => responses.sendWhole(write);
    this.#stream =
      running.length === 0
        ? undefined
        : randomPick(prng, running).open({ write, writeShared, fail: lost }, lost);
    if (this.#stream === undefined) {
      time.setTimer(100, () => this.#open());
      return;
    }
    for (const interest of this.#interests) this.#create(interest);
  }

  #create(interest: Interest): void {
    const { range, prevKv, noPut, noDelete, progressNotify } = interest;
    interest.watchId = undefined;
    interest.record = {
      client: this.options.number,
      span: spanOf(range),
      prevKv,
      noPut,
      noDelete,
      start: interest.next,
      events: [],
      progress: [],
      isLast: false,
    };
    this.records.push(interest.record);
    this.#creates.push(interest);
    this.#stream?.receive({
      kind: "create",
      range,
      prevKv,
      noPut,
      noDelete,
      progressNotify,
      fragment: false,
      watchId: 0n,
      startRevision: interest.next as Revision,
    });
  }

  #act(): void {
    const { time, prng } = this.dependencies;
    time.setTimer(randomInteger(prng, 50, 1500), () => {
      if (this.#stopped) return;
      this.#doSomething();
      this.#act();
    });
  }

  #doSomething(): void {
    const { prng } = this.dependencies;
    const stream = this.#stream;
    if (stream === undefined) return;
    const what = randomPick(prng, ["progress", "progress", "change", "wrong", "leave"] as const);
    if (what === "progress") return stream.receive({ kind: "progress" });
    if (what === "leave") {
      if (!randomChance(prng, 0.2)) return;
      this.#epoch += 1;
      stream.end();
      this.#open();
      return;
    }
    if (what === "wrong") {
      this.#creates.push("refused");
      const { range } = this.#interests[0]!;
      return stream.receive({
        kind: "create",
        range,
        prevKv: false,
        noPut: false,
        noDelete: false,
        progressNotify: false,
        fragment: false,
        watchId: 0n,
        startRevision: -1 as Revision,
      });
    }
    const at = randomInteger(prng, 0, this.#interests.length - 1);
    const left = this.#interests[at]!;
    const { watchId } = left;
    if (watchId === undefined) return;
    this.#leaving.set(watchId, left);
    stream.receive({ kind: "cancel", watchId });
    this.#interests[at] = this.#interest();
    this.#create(this.#interests[at]);
  }

  #take(response: etcdserverpb.WatchResponse): void {
    this.#responses += 1;
    const watchId = signedId(response.watchId);
    const revision = number(response.header?.revision);
    if (response.created) return this.#created(watchId, revision, response.canceled);
    if (response.events.length === 0 && !response.canceled) return this.#progress(watchId, revision);
    const interest = this.#interests.find((one) => one.watchId === watchId) ?? this.#leaving.get(watchId);
    if (interest === undefined)
      throw new HistoryViolation(`a response for a watcher that is none: ${watchId}`);
    if (response.canceled) {
      const compactRevision = number(response.compactRevision);
      if (compactRevision === 0) {
        if (!this.#leaving.delete(watchId)) throw new HistoryViolation(`nobody cancelled watcher ${watchId}`);
        return;
      }
      interest.record!.compactRevision = compactRevision;
      interest.next = compactRevision;
      if (!this.#leaving.has(watchId)) this.#create(interest);
      return;
    }
    for (const event of response.events) this.#event(interest, event);
  }

  #created(watchId: bigint, revision: number, canceled: boolean): void {
    const create = this.#creates.shift();
    if (create === undefined || (create === "refused") !== canceled)
      throw new HistoryViolation("creates are not answered in their order");
    if (create === "refused") return;
    create.watchId = watchId;
    create.record!.createdRevision = revision;
    if (create.next === 0) create.next = revision + 1;
  }

  #progress(watchId: bigint, revision: number): void {
    for (const interest of this.#interests) {
      if (watchId !== -1n && interest.watchId !== watchId) continue;
      // A broadcast speaks of the watchers that were there when it was made.
      if (interest.watchId === undefined || interest.record?.compactRevision !== undefined) continue;
      if (watchId === -1n && revision < interest.record!.start) continue;
      interest.record!.progress.push({ revision, after: interest.record!.events.length });
      interest.next = Math.max(interest.next, revision + 1);
    }
  }

  #event(interest: Interest, event: mvccpb.Event.$Properties): void {
    const seen = seenEventOf(event, this.#responses);
    interest.record!.events.push(seen);
    interest.next = seen.revision + 1;
  }
}

/** "To the end" has two spellings. */
function spanOf({ key, rangeEnd }: KeyRange): KeySpan {
  if (rangeEnd === undefined) return { key: binaryString(key) };
  return { key: binaryString(key), rangeEnd: rangeEnd.length === 0 ? "\0" : binaryString(rangeEnd) };
}

function number(value: WireInt64 | null | undefined): number {
  return saturatingNumber(value ?? 0);
}
