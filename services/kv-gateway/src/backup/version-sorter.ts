import { compareBytes, readUint32, readUint64, writeUint32, writeUint64 } from "@quorate/base";
import { SpoolFile } from "./spool-file";

/** A version of a key. */
export interface SortedVersion {
  /** Main revision that made it. */
  readonly main: number;
  readonly key: Uint8Array;
  /** What stands for it. */
  readonly value: Uint8Array;
}

export interface VersionSorterOptions {
  /** Where runs are kept that do not fit into memory. */
  readonly directory: string;
  /** Bytes that are sorted in memory at once. */
  readonly runBytesMax: number;
}

interface Run {
  readonly from: number;
  readonly to: number;
}

/** Main revision (8 bytes), size of the key and of the value (4 each). */
const HEADER_BYTES = 16;
/** What a version takes in memory beside its bytes, roughly. */
const OBJECT_BYTES = 250;
const READ_BYTES = 128 * 1024;
const BATCH_VERSIONS = 512;

/** Puts versions into the order of their revisions (of their keys, within one), however many there are: runs on disk are merged. */
export class VersionSorter implements AsyncDisposable {
  #versions: SortedVersion[] = [];
  #bytes = 0;
  readonly #runs: Run[] = [];
  #file: SpoolFile | undefined;
  #fileBytes = 0;

  constructor(private readonly options: VersionSorterOptions) {}

  /** The bytes are kept. Call {@link relieve} from time to time. */
  add(version: SortedVersion): void {
    this.#versions.push(version);
    this.#bytes += version.key.length + version.value.length + OBJECT_BYTES;
  }

  /** Makes room in memory if there is need. */
  async relieve(): Promise<void> {
    if (this.#bytes < this.options.runBytesMax) return;
    const file = (this.#file ??= await SpoolFile.create(this.options.directory));
    const from = this.#fileBytes;
    for (const version of this.#takeSorted()) {
      const record = encode(version);
      file.write(this.#fileBytes, record);
      this.#fileBytes += record.length;
      if (file.pendingBytes >= READ_BYTES) await file.flush();
    }
    await file.flush();
    this.#runs.push({ from, to: this.#fileBytes });
  }

  /** All versions, in batches. Nothing may be added any more. */
  async *sorted(): AsyncGenerator<readonly SortedVersion[]> {
    const sources: Source[] = this.#runs.map((run) => new RunReader(this.#file!, run));
    sources.push(new MemoryRun(this.#takeSorted()));
    for (const source of sources) await source.refill();
    let batch: SortedVersion[] = [];
    for (;;) {
      let least: Source | undefined;
      for (const source of sources)
        if (source.head && (least?.head === undefined || compareVersions(source.head, least.head) < 0))
          least = source;
      if (least?.head === undefined) break;
      batch.push(least.head);
      if (!least.advance()) await least.refill();
      if (batch.length < BATCH_VERSIONS) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]();
  }

  #takeSorted(): SortedVersion[] {
    const versions = this.#versions.sort(compareVersions);
    this.#versions = [];
    this.#bytes = 0;
    return versions;
  }
}

/** `head`: its least version that was not taken; `undefined` at the end. */
interface Source {
  readonly head: SortedVersion | undefined;
  /** @returns false if `refill` has to find the next head. */
  advance(): boolean;
  refill(): Promise<void>;
}

class MemoryRun implements Source {
  #at = 0;

  constructor(private readonly versions: readonly SortedVersion[]) {}

  get head(): SortedVersion | undefined {
    return this.versions[this.#at];
  }

  advance(): boolean {
    this.#at += 1;
    return true;
  }

  refill(): Promise<void> {
    return Promise.resolve();
  }
}

class RunReader implements Source {
  head: SortedVersion | undefined;
  #buffer = new Uint8Array(0);
  #at = 0;
  #next: number;

  constructor(
    private readonly file: SpoolFile,
    private readonly run: Run,
  ) {
    this.#next = run.from;
  }

  advance(): boolean {
    const found = decode(this.#buffer, this.#at);
    if (found === undefined) return false;
    this.head = found.version;
    this.#at += found.bytes;
    return true;
  }

  async refill(): Promise<void> {
    let wanted = READ_BYTES;
    while (!this.advance()) {
      const rest = this.#buffer.subarray(this.#at);
      const length = Math.min(wanted, this.run.to - this.#next);
      if (length === 0) {
        this.head = undefined;
        return;
      }
      const more = await this.file.read(this.#next, length);
      this.#next += more.length;
      const joined = new Uint8Array(rest.length + more.length);
      joined.set(rest);
      joined.set(more, rest.length);
      this.#buffer = joined;
      this.#at = 0;
      wanted *= 2; // a version larger than the buffer
    }
  }
}

function compareVersions(one: SortedVersion, other: SortedVersion): number {
  return one.main - other.main || compareBytes(one.key, other.key);
}

function encode({ main, key, value }: SortedVersion): Uint8Array {
  const record = new Uint8Array(HEADER_BYTES + key.length + value.length);
  writeUint64(record, 0, main);
  writeUint32(record, 8, key.length);
  writeUint32(record, 12, value.length);
  record.set(key, HEADER_BYTES);
  record.set(value, HEADER_BYTES + key.length);
  return record;
}

function decode(
  buffer: Uint8Array,
  at: number,
): { readonly version: SortedVersion; readonly bytes: number } | undefined {
  if (at + HEADER_BYTES > buffer.length) return undefined;
  const keyAt = at + HEADER_BYTES;
  const valueAt = keyAt + readUint32(buffer, at + 8);
  const end = valueAt + readUint32(buffer, at + 12);
  if (end > buffer.length) return undefined;
  const version = {
    main: readUint64(buffer, at),
    key: buffer.subarray(keyAt, valueAt),
    value: buffer.subarray(valueAt, end),
  };
  return { version, bytes: end - at };
}
