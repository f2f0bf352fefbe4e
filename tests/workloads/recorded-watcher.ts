import type { Change } from "../checkers/history";
import type { WatchRecord } from "../checkers/watches";
import { EtcdWatch } from "../harness/etcd-watch";
import { changeOf, seenEventOf } from "./store-messages";

const EVERYTHING = { key: Buffer.from([0]), rangeEnd: Buffer.from([0]) };
/** Between two looks at whether its stream lives, and two requests for progress. */
const LOOK_MS = 200;
const PROGRESS_MS = 1000;

export interface WatcherOptions {
  readonly client: number;
  /** host:port of a gateway. */
  readonly address: string;
}

/**
 * Watches everything at one gateway from the first revision on; when its stream ends, for whatever reason, it opens another one at
 * the revision that comes next, as clients do. Each stream is a record for the checkers, and all together are the store's log.
 */
export class RecordedWatcher {
  readonly records: WatchRecord[] = [];
  /** All changes, in order. */
  readonly log: Change[] = [];
  readonly #timer: NodeJS.Timeout;
  #watch: EtcdWatch;
  #progressAskedAt = 0;
  /** Streams that ended. */
  broken = 0;

  /** @param onRevision Told of each revision when it is first seen, in order. */
  constructor(
    private readonly options: WatcherOptions,
    private readonly onRevision: (revision: number) => void = () => undefined,
  ) {
    this.#watch = this.#open(1);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** The newest revision that it was told of. */
  get revision(): number {
    return this.log.at(-1)?.revision ?? 0;
  }

  untilCreated(): Promise<void> {
    return this.#watch.untilCreated();
  }

  /** Says that everything was told that ever will be: what is missing now is lost. */
  conclude(): void {
    this.records.at(-1)!.isLast = this.#watch.ended === undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watch.close();
  }

  #look(): void {
    if (this.#watch.ended !== undefined) {
      this.broken += 1;
      this.#watch.close();
      this.#watch = this.#open(this.revision + 1);
    } else if (performance.now() - this.#progressAskedAt > PROGRESS_MS) {
      this.#progressAskedAt = performance.now();
      this.#watch.send({ progressRequest: {} });
    }
  }

  #open(start: number): EtcdWatch {
    const record: WatchRecord = {
      client: this.options.client,
      span: { key: "\0", rangeEnd: "\0" },
      prevKv: true,
      noPut: false,
      noDelete: false,
      start,
      events: [],
      progress: [],
      isLast: false,
    };
    this.records.push(record);
    let responses = 0;
    const watch: EtcdWatch = new EtcdWatch(this.options.address, {}, (response) => {
      // One that was given up may still deliver.
      if (this.records.at(-1) !== record) return;
      const revision = Number(response.header?.revision);
      if (response.created) record.createdRevision = revision;
      else if (response.canceled) {
        if (Number(response.compactRevision) > 0) record.compactRevision = Number(response.compactRevision);
        watch.ended ??= { code: 0, text: response.cancelReason };
      } else if (response.events.length === 0) {
        record.progress.push({ revision, after: record.events.length });
      }
      for (const event of response.events) {
        record.events.push(seenEventOf(event, responses));
        const change = changeOf(event);
        if (change.revision > this.revision) this.onRevision(change.revision);
        this.log.push(change);
      }
      responses += 1;
    });
    watch.create({ ...EVERYTHING, startRevision: start, prevKv: true });
    return watch;
  }
}
