import { randomUUID } from "node:crypto";
import { mkdir, open, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

/** A part of the file that was not written yet: pieces that lie side by side. */
interface Region {
  readonly offset: number;
  bytes: number;
  readonly pieces: Uint8Array[];
}

/**
 * A file for what is too large for memory and needed only once. It has no name: whatever ends the process, the space is free again.
 */
export class SpoolFile implements AsyncDisposable {
  readonly #pending: Region[] = [];
  #pendingBytes = 0;

  private constructor(private readonly handle: FileHandle) {}

  /** @param directory Made if it is not there. */
  static async create(directory: string): Promise<SpoolFile> {
    await mkdir(directory, { recursive: true });
    const path = join(directory, `quorate-spool-${randomUUID()}`);
    const handle = await open(path, "wx+", 0o600);
    await unlink(path);
    return new SpoolFile(handle);
  }

  /** What `flush` has to write. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Keeps the bytes until the next {@link flush}. */
  write(offset: number, bytes: Uint8Array): void {
    const last = this.#pending.at(-1);
    if (last !== undefined && last.offset + last.bytes === offset) {
      last.pieces.push(bytes);
      last.bytes += bytes.length;
    } else this.#pending.push({ offset, bytes: bytes.length, pieces: [bytes] });
    this.#pendingBytes += bytes.length;
  }

  async flush(): Promise<void> {
    const regions = this.#pending.splice(0);
    this.#pendingBytes = 0;
    for (const { offset, bytes, pieces } of regions) {
      const written = await this.handle.writev(pieces, offset);
      if (written.bytesWritten !== bytes)
        throw new SpoolError(`${written.bytesWritten} of ${bytes} bytes were written: the disk may be full`);
    }
  }

  /** Up to `length` bytes: fewer at the end of the file. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const { bytesRead, buffer } = await this.handle.read(new Uint8Array(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.handle.close();
  }
}

export class SpoolError extends Error {
  override readonly name = "SpoolError";
  readonly code = "spool";
}
