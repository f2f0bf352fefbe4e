import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { hexOf } from "@quorate/base";
import { hasSnapshotDigest, SNAPSHOT_DIGEST_BYTES } from "@quorate/bbolt";
import { CommandError, messageOf } from "../command-error";

const READ_BYTES = 1024 * 1024;

/** A file with an etcd snapshot, of which parts are read as they are needed. */
export class SnapshotFile implements Disposable {
  readonly #descriptor: number;

  /** @throws {CommandError} it cannot be opened. */
  constructor(private readonly path: string) {
    try {
      this.#descriptor = openSync(path, "r");
    } catch (cause) {
      throw new CommandError(`Cannot open ${path}: ${messageOf(cause)}`, 1, { cause });
    }
  }

  /** Up to `length` bytes, in memory of their own. */
  readonly readAt = (offset: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    let read = 0;
    for (let more = 1; more > 0 && read < length; read += more)
      more = readSync(this.#descriptor, bytes, read, length - read, offset + read);
    return bytes.subarray(0, read);
  };

  /** @throws {CommandError} the file has no digest, or another one than its bytes. */
  checkDigest(): void {
    const { size } = fstatSync(this.#descriptor);
    if (!hasSnapshotDigest(size)) {
      throw new CommandError(
        `${this.path} has no digest behind it, as \`etcdctl snapshot save\` adds one: it is no snapshot, is cut off, or is a database ` +
          "that was copied. If it is that, and nothing wrote to it meanwhile: --skip-hash-check",
      );
    }
    const digest = createHash("sha256");
    const end = size - SNAPSHOT_DIGEST_BYTES;
    for (let at = 0; at < end; at += READ_BYTES)
      digest.update(this.readAt(at, Math.min(READ_BYTES, end - at)));
    if (digest.digest("hex") !== hexOf(this.readAt(end, SNAPSHOT_DIGEST_BYTES)))
      throw new CommandError(`${this.path} is damaged: its digest is that of other bytes`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
