import { DamagedDatabaseError, DatabaseReader } from "@quorate/bbolt";
import type { QuorateClient } from "@quorate/client";
import { DecodeError } from "@quorate/wire";
import { Command } from "commander";
import { CommandError } from "../command-error";
import { withClient, type ConnectionFlags } from "../kv/connection";
import { EtcdContents, type CurrentKey } from "./etcd-contents";
import { forEachOf, ImportTarget } from "./import-target";
import { LeaseKeeper } from "./lease-keeper";
import { Progress } from "./progress";
import { SnapshotFile } from "./snapshot-file";

interface ImportFlags extends ConnectionFlags {
  readonly skipHashCheck?: boolean;
  readonly intoNonEmpty?: boolean;
}

/** etcd's limit of operations in a transaction. */
const BATCH_KEYS = 128;
/** Of keys and values; a request may have 1.5 MiB. */
const BATCH_BYTES = 512 * 1024;

/** `quorate import`: an etcd snapshot's keys and leases, written into a running cluster. */
export function importCommand(): Command {
  return new Command("import")
    .description("write the keys and leases of an etcd snapshot into a cluster, and read them back")
    .argument("<file>", "made by `etcdctl snapshot save`")
    .option(
      "--skip-hash-check",
      "the file has no digest: a database that was copied, of an etcd that does not run",
    )
    .option(
      "--into-non-empty",
      "the cluster may hold keys: those of the same name are overwritten, all others stay",
    )
    .option("--nats-url <url>", "the brokers of the cluster, with commas (env QUORATE_NATS_URL)")
    .option("--cluster <name>", "the cluster's name (env QUORATE_CLUSTER)")
    .option("--data-dir <dir>", "the development cluster to use, in place of --nats-url and --cluster")
    .option("--timeout <seconds>", "how long to wait for the cluster at first")
    .action(async (path: string, flags: ImportFlags) => {
      using file = new SnapshotFile(path);
      if (flags.skipHashCheck !== true) file.checkDigest();
      const contents = readable(path, () => new EtcdContents(new DatabaseReader(file)));
      await withClient(flags, (client) => importContents(contents, client, flags));
    });
}

async function importContents(
  contents: EtcdContents,
  client: QuorateClient,
  flags: ImportFlags,
): Promise<void> {
  const target = new ImportTarget(client);
  const { keyCount, leases, revision, hasAuth } = contents;
  const before = await target.keyCount();
  if (before > 0 && flags.intoNonEmpty !== true) {
    throw new CommandError(
      `The cluster holds ${before} keys already. Import into an empty one, or say --into-non-empty: keys of the same name are ` +
        "overwritten then",
    );
  }
  if (hasAuth) process.stderr.write("Users and roles are not imported: create them anew.\n");
  await using keeper = new LeaseKeeper(target);
  const progress = new Progress(process.stderr);
  await forEachOf(leases, async (lease) => {
    await target.grant(lease);
    keeper.granted(lease);
  });
  const inAll = async (what: string, work: (keys: readonly CurrentKey[]) => Promise<void>): Promise<void> => {
    await forEachOf(batchesOf(contents.keys()), async (keys) => {
      await work(keys);
      progress.add(what, keys.length, keyCount);
    });
    progress.end();
  };
  await inAll("written", (keys) => target.put(keys));
  await inAll("read back", (keys) => target.compare(keys));
  await keeper.finish();
  const after = await target.keyCount();
  if (before === 0 && after !== keyCount)
    throw new CommandError(
      `The cluster holds ${after} keys, not the ${keyCount} of the snapshot: somebody else is writing`,
    );
  process.stdout.write(
    `Imported ${keyCount} keys and ${leases.length} leases as of revision ${revision}, and read all of them back.\n`,
  );
}

function* batchesOf(keys: Iterable<CurrentKey>): Generator<readonly CurrentKey[]> {
  let batch: CurrentKey[] = [];
  let bytes = 0;
  for (const key of keys) {
    const size = key.key.length + key.value.length;
    if (batch.length === BATCH_KEYS || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(key);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** @throws {CommandError} the file is damaged. */
function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof DamagedDatabaseError || cause instanceof DecodeError)) throw cause;
    throw new CommandError(`Cannot import ${path}: ${cause.message}`, 1, { cause });
  }
}
