import { workerData } from "node:worker_threads";
import type { LogIdentity } from "@quorate/storage";
import { RocksLogStorage } from "@quorate/storage-rocksdb";
import type { Configuration } from "@quorate/raft";
import { systemClock } from "@quorate/actor";
import { LogWriterActor, type LogWriterOptions } from "../actors/log-writer-actor";
import { packLogWriterReport, unpackLogWriterMessage } from "./log-writer-port";
import { runThread } from "./thread-main";

/** What the log-writer thread is started with. */
export interface LogWriterThreadData {
  readonly directory: string;
  /** Set when the member is new: the directory must be empty and is created with these. */
  readonly create: { readonly identity: LogIdentity; readonly configuration: Configuration } | undefined;
  readonly options: LogWriterOptions;
  readonly expected: Pick<LogIdentity, "clusterId" | "memberId">;
}

void runThread("log-writer", unpackLogWriterMessage, packLogWriterReport, async (reports) => {
  const { directory, create, options, expected } = workerData as LogWriterThreadData;
  const storage = await (create === undefined
    ? RocksLogStorage.open({ directory }, expected)
    : RocksLogStorage.create({ directory }, create));
  return {
    actor: new LogWriterActor(options, { storage, reports, clock: systemClock }),
    started: { start: storage.start },
    close: () => storage[Symbol.asyncDispose](),
  };
});
