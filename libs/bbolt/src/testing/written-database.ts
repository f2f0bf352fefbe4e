import { binaryString, bytesOfBinaryString, concatBytes } from "@quorate/base";
import { DatabaseReader } from "../database-reader";
import { DatabaseWriter } from "../database-writer";
import { readAtOf } from "../read-at";

/** Rows by the names of their buckets, a character for each byte. */
export type Rows = Record<string, (readonly [key: Uint8Array, value: Uint8Array])[]>;

/** A database in memory. Pages are small, so that few rows make a deep tree. */
export function writtenDatabase(rows: Rows, pageBytes = 1024): Uint8Array {
  const parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  const writer = new DatabaseWriter(
    { write: (offset, bytes) => void parts.push({ offset, bytes }) },
    { pageBytes },
  );
  for (const [name, bucket] of Object.entries(rows)) {
    writer.beginBucket(bytesOfBinaryString(name));
    for (const [key, value] of bucket) writer.put(key, value);
  }
  const size = writer.end();
  const file = concatBytes(parts.sort((one, other) => one.offset - other.offset).map(({ bytes }) => bytes));
  if (file.length !== size) throw new RangeError(`The file has ${file.length} bytes, not ${size}`);
  return file;
}

export function readRows(file: Uint8Array): Rows {
  const reader = new DatabaseReader({ readAt: readAtOf(file) });
  const rows: Rows = {};
  for (const name of reader.bucketNames()) {
    const bucket = reader.bucket(name)!;
    rows[binaryString(name)] = [...bucket.rows()].map(({ key, value }) => [key.slice(), value.slice()]);
  }
  return rows;
}
