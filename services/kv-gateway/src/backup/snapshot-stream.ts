import { createHash } from "node:crypto";
import { etcdserverpb } from "@quorate/wire";
import type { MemberId } from "../actors/leader-view";
import { definite, type RequestFailure } from "../api/request-failure";
import type { StreamSink } from "../api/stream-method";
import { EtcdSnapshot } from "./etcd-snapshot";
import type { SnapshotApiDependencies } from "./snapshot-api";
import { SpoolFile } from "./spool-file";
import { StateChunks, StateLostError } from "./state-chunks";

export interface SnapshotStreamOptions {
  /** Where the database is put together. */
  readonly directory: string;
  /** Who is asked for the state, in this order. */
  readonly candidates: readonly MemberId[];
}

export interface SnapshotStreamDependencies extends Omit<SnapshotApiDependencies, "directory" | "tracker"> {
  readonly sink: StreamSink;
  /** Called once nothing of it is left. */
  readonly ended: () => void;
}

/** Of a message, as in etcd. */
const BLOB_BYTES = 32 * 1024;
const READ_BYTES = 16 * BLOB_BYTES;
/** What the database looks like: see `etcd-snapshot.ts`. */
const STORAGE_VERSION = "3.5.0";
const CONFIRM_MS = 1000;
const CHUNKS = { windowChunks: 4, answerMs: 2000, giveUpMs: 15_000 };
const SORT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * One snapshot: the state of a member is read into a file, as etcd's database, and that file is sent. Only then its size is known,
 * which the first message tells already; and the member is free again, however slow the client is.
 *
 * It ends with the digest of all that was sent, or with a failure: no part of it passes for the whole.
 */
export class SnapshotStream {
  #source: StateChunks | undefined;
  #cancelled = false;
  #wake: (() => void) | undefined;

  constructor(
    private readonly options: SnapshotStreamOptions,
    private readonly dependencies: SnapshotStreamDependencies,
  ) {}

  start(): void {
    void this.#run().then((failure) => {
      this.dependencies.ended();
      if (!this.#cancelled) this.dependencies.sink.end(failure);
    });
  }

  /** The client has read what was sent. */
  drained(): void {
    this.#wake?.();
  }

  /** The client is gone. */
  cancel(): void {
    this.#cancelled = true;
    this.#source?.[Symbol.dispose]();
    this.#wake?.();
  }

  /** The gateway stops. */
  stop(): void {
    if (this.#cancelled) return;
    this.dependencies.sink.end(definite("stopped"));
    this.cancel();
  }

  /** Never rejects. */
  async #run(): Promise<RequestFailure | undefined> {
    try {
      const source = await this.#open();
      if (!(source instanceof StateChunks)) return source;
      await using file = await SpoolFile.create(this.options.directory);
      const bytes = await this.#fill(file, source);
      await this.#send(file, bytes);
      return undefined;
    } catch (error) {
      if (error instanceof StateLostError) return definite("member-unreachable");
      return definite("internal", `the snapshot could not be made: ${String(error)}`);
    } finally {
      this.#source?.[Symbol.dispose]();
    }
  }

  /**
   * Members that have applied whatever was acknowledged before, confirmed by a quorum, come first. Without a quorum a snapshot can
   * be made all the same: then of what a member has.
   */
  async #open(): Promise<StateChunks | RequestFailure> {
    const { candidates } = this.options;
    let busy = false;
    for (const unconfirmed of [false, true]) {
      for (const member of candidates) {
        if (!unconfirmed && !(await this.#confirm(member))) continue;
        if (this.#cancelled) return definite("stopped");
        const { drawTransfer } = this.dependencies;
        this.#source = new StateChunks({ ...CHUNKS, member, transfer: drawTransfer() }, this.dependencies);
        const answer = await this.#source.open();
        if (answer === "open") return this.#source;
        busy ||= answer === "busy";
        this.#source[Symbol.dispose]();
      }
      if (busy) break;
    }
    return definite(busy ? "too-many-requests" : "member-unreachable");
  }

  #confirm(member: MemberId): Promise<boolean> {
    return new Promise((resolve) => this.dependencies.queries.confirm(member, CONFIRM_MS, resolve));
  }

  async #fill(file: SpoolFile, source: StateChunks): Promise<number> {
    const options = { directory: this.options.directory, sortBytesMax: SORT_BYTES_MAX };
    await using snapshot = new EtcdSnapshot(options, { file });
    for await (const rows of source.rows()) await snapshot.add(rows);
    source[Symbol.dispose]();
    return await snapshot.end();
  }

  async #send(file: SpoolFile, bytes: number): Promise<void> {
    const digest = createHash("sha256");
    for (let offset = 0; offset < bytes; offset += READ_BYTES) {
      const part = await file.read(offset, Math.min(READ_BYTES, bytes - offset));
      digest.update(part);
      for (let at = 0; at < part.length; at += BLOB_BYTES) {
        const blob = part.subarray(at, at + BLOB_BYTES);
        await this.#write(blob, bytes - offset - at - blob.length);
        if (this.#cancelled) return;
      }
    }
    await this.#write(digest.digest(), 0);
  }

  async #write(blob: Uint8Array, remainingBytes: number): Promise<void> {
    if (this.#cancelled) return;
    const message = { remainingBytes, blob, version: STORAGE_VERSION };
    const hasRoom = this.dependencies.sink.send(etcdserverpb.SnapshotResponse.encode(message).finish());
    if (hasRoom) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }
}
