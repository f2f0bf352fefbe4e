import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { StorageOpenError, StorageWriteError, type AnchorMedium } from "@quorate/storage";

/** An anchor's slots in a file of the member's directory, beside the databases. It belongs to the thread that opened it. */
export class AnchorFile implements AnchorMedium {
  #descriptor: number | undefined;

  constructor(readonly place: string) {}

  read(): Uint8Array {
    try {
      this.#descriptor = openSync(this.place, "r+");
      return readFileSync(this.#descriptor);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Uint8Array(0);
      throw new StorageOpenError(`Cannot read the anchor in ${this.place}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  write(offset: number, bytes: Uint8Array): void {
    try {
      if (this.#descriptor === undefined) return this.#create(offset, bytes);
      writeAll(this.#descriptor, bytes, offset);
      fdatasyncSync(this.#descriptor);
    } catch (error) {
      throw new StorageWriteError(
        `A write to the anchor in ${this.place} failed; what is on disk is known only after a restart. ` +
          `(${(error as Error).message})`,
        { cause: error },
      );
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** The name of a new file is durable only once its directory is. */
  #create(offset: number, bytes: Uint8Array): void {
    this.#descriptor = openSync(this.place, "wx+", 0o600);
    writeAll(this.#descriptor, bytes, offset);
    fsyncSync(this.#descriptor);
    const directory = openSync(dirname(this.place), "r");
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
}
