import { workerData } from "node:worker_threads";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SlottedAnchor, type LogIdentity } from "@quorate/storage";
import { checkWal, RocksLogStorage } from "@quorate/storage-rocksdb";
import type { Configuration } from "@quorate/raft";
import { systemClock } from "@quorate/actor";
import { LogWriterActor, type LogWriterOptions } from "../actors/log-writer-actor";
import { AnchorFile } from "../anchor/anchor-file";
import { AnchorKeeper, type AnchorKeeperOptions } from "../anchor/anchor-keeper";
import { ANCHOR_FILE, LOG_DIRECTORY } from "../data-directory";
import { anchorFindings } from "../start-up";
import { packLogWriterReport, unpackLogWriterMessage, type LogFindings } from "./log-writer-port";
import { runThread } from "./thread-main";

/** What the log-writer thread is started with. */
export interface LogWriterThreadData {
  /** Of the member: its log is in `raft/`, its anchor beside that. */
  readonly directory: string;
  /** Set when the member is new: the directory must be empty and is created with these. */
  readonly create: { readonly identity: LogIdentity; readonly configuration: Configuration } | undefined;
  readonly options: LogWriterOptions & AnchorKeeperOptions;
  readonly expected: Pick<LogIdentity, "clusterId" | "memberId">;
}

void runThread("log-writer", unpackLogWriterMessage, packLogWriterReport, async (reports) => {
  const { directory: member, create, options, expected } = workerData as LogWriterThreadData;
  const directory = join(member, LOG_DIRECTORY);
  const damagedWal = existsSync(directory) ? checkWal(directory) : [];
  const anchor = SlottedAnchor.open(new AnchorFile(join(member, ANCHOR_FILE)));
  const storage = await (create === undefined
    ? RocksLogStorage.open({ directory }, expected)
    : RocksLogStorage.create({ directory }, create));
  const keeper = new AnchorKeeper(options, { anchor, storage, clock: systemClock });
  const found: LogFindings = { start: storage.start, anchor: anchorFindings(anchor, storage), damagedWal };
  return {
    actor: new LogWriterActor(options, { storage, anchor: keeper, reports, clock: systemClock }),
    started: { ...found },
    close: async () => {
      keeper[Symbol.dispose]();
      await storage[Symbol.asyncDispose]();
    },
  };
});
