import { ByteWriter } from "./byte-writer";
import { NO_LEASE, type Event, type KeyValue } from "./types";

/** Field numbers and wire types of mvccpb.KeyValue. */
const KEY_TAG = 0x0a;
const CREATE_REVISION_TAG = 0x10;
const MOD_REVISION_TAG = 0x18;
const VERSION_TAG = 0x20;
const VALUE_TAG = 0x2a;
const LEASE_TAG = 0x30;
/** Tags, lengths and numbers, at the most. */
const STORED_BYTES_BESIDE = 64;

/** As etcd stores it: in the order of the fields, without those that are zero or empty. */
export function writeStoredKeyValue(writer: ByteWriter, kv: KeyValue): void {
  writeBytes(writer, KEY_TAG, kv.key);
  writeNumber(writer, CREATE_REVISION_TAG, kv.createRevision);
  writeNumber(writer, MOD_REVISION_TAG, kv.modRevision);
  writeNumber(writer, VERSION_TAG, kv.version);
  writeBytes(writer, VALUE_TAG, kv.value);
  if (kv.lease === NO_LEASE) return;
  writer.byte(LEASE_TAG);
  let rest = BigInt.asUintN(64, kv.lease);
  for (; rest >= 0x80n; rest >>= 7n) writer.byte(Number(rest & 0x7fn) | 0x80);
  writer.byte(Number(rest));
}

/** What etcd stores of a delete. */
export function writeTombstone(writer: ByteWriter, key: Uint8Array): void {
  writeBytes(writer, KEY_TAG, key);
}

/** What etcd stores of a change, in memory of its own. */
export function storedChange({ kind, kv }: Pick<Event, "kind" | "kv">): Uint8Array {
  const writer = new ByteWriter(kv.key.length + kv.value.length + STORED_BYTES_BESIDE);
  if (kind === "delete") writeTombstone(writer, kv.key);
  else writeStoredKeyValue(writer, kv);
  return writer.view(0, writer.length);
}

function writeBytes(writer: ByteWriter, tag: number, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  writer.byte(tag);
  writer.varint(bytes.length);
  writer.raw(bytes);
}

function writeNumber(writer: ByteWriter, tag: number, value: number): void {
  if (value === 0) return;
  writer.byte(tag);
  writer.varint(value);
}
