import { crc32, writeUint64 } from "@quorate/base";
import type { Entry, EntryType } from "./types";

/** Extends the hash of everything before `entry` by `entry`. Pure; 32 bits unsigned. */
export type ChainHash = (previousChain: number, entry: Omit<Entry, "chain">) => number;

const TYPE_CODES: Readonly<Record<EntryType, number>> = { empty: 0, command: 1, configuration: 2 };

// Filled and read within one call. A fresh one per entry would be the only allocation of the append path besides the entry.
const header = new Uint8Array(17);

/** CRC-32 over term, index, type and data, seeded by the chain so far: finds damage and bugs, not forgery. */
export const crcChainHash: ChainHash = (previousChain, entry) => {
  writeUint64(header, 0, entry.term);
  writeUint64(header, 8, entry.index);
  header[16] = TYPE_CODES[entry.type];
  return crc32(entry.data, crc32(header, previousChain));
};
