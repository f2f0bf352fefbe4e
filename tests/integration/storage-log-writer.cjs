"use strict";
// Appends to the log in the directory given, until it is killed. After each append it prints "<term> <last index>":
// from then on that entry may never be lost. Every eighth append replaces the last entry under a new term.
const { writeSync } = require("node:fs");
const { RocksLogStorage } = require("@quorate/storage-rocksdb");

async function main(directory) {
  const log = await RocksLogStorage.open({ directory, cacheBytes: 1 << 20, memtableBytes: 1 << 20 });
  let index = log.start.tail.at(-1)?.index ?? 0;
  let term = log.start.tail.at(-1)?.term ?? 1;
  for (let append = 1; ; append += 1) {
    const replaces = append % 8 === 0;
    if (replaces) term += 1;
    const first = replaces ? index : index + 1;
    const entries = [first, first + 1, first + 2].map((at) => ({
      index: at,
      term,
      type: "command",
      chain: at,
      data: Buffer.from(`${term}/${at}`.padEnd(500, ".")),
    }));
    log.append([
      { truncateFrom: replaces ? index : undefined, entries: entries.slice(0, 2), hardState: undefined },
      { truncateFrom: undefined, entries: entries.slice(2), hardState: { term, vote: undefined, commit: 0 } },
    ]);
    index = first + 2;
    writeSync(1, `${term} ${index}\n`);
  }
}

void main(process.argv[2]);
