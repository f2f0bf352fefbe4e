import { tmpdir } from "node:os";
import { binaryString, hexOf } from "@quorate/base";
import {
  DatabaseReader,
  decodeLeaseRow,
  EtcdBucket,
  EtcdMeta,
  readAtOf,
  revisionOfKey,
} from "@quorate/bbolt";
import { NO_LEASE, type KeyValue, type Revision } from "@quorate/mvcc";
import type { Command } from "@quorate/state-machine";
import { decodeMessage, mvccpb, signedId } from "@quorate/wire";
import * as fc from "fast-check";
import {
  commands as storeCommands,
  resolveRevisions,
} from "../../../../libs/mvcc/src/testing/request-arbitraries";
import { rangeRequest } from "../../../../libs/mvcc/src/testing/requests";
import { leaseCommands } from "../../../../libs/state-machine/src/testing/lease-arbitraries";
import { StateFixture } from "../../../../libs/state-machine/src/testing/state-fixture";
import { sectionsOf } from "../testing/encoded-state";
import { EtcdSnapshot } from "./etcd-snapshot";
import { SpoolFile } from "./spool-file";

const RUNS = Number(process.env["PROPERTY_RUNS"] ?? 100);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: storeCommands },
  { weight: 1, arbitrary: leaseCommands },
);
const batches = fc.array(fc.array(command, { minLength: 1, maxLength: 4 }), { maxLength: 30, size: "max" });

/** Runs of a few versions, so that they are merged from disk. */
const OPTIONS = { directory: tmpdir(), sortBytesMax: 1000 };

async function snapshotOf(state: StateFixture, rowsInSection: number): Promise<DatabaseReader> {
  await using file = await SpoolFile.create(OPTIONS.directory);
  await using snapshot = new EtcdSnapshot(OPTIONS, { file });
  for (const section of sectionsOf(state.store, rowsInSection)) await snapshot.add([section]);
  const bytes = await snapshot.end();
  return new DatabaseReader({ readAt: readAtOf(await file.read(0, bytes)) });
}

/** What etcd would show at a revision, out of its own rows. */
function readableIn(database: DatabaseReader, at: number): readonly unknown[] {
  const keys = new Map<string, unknown>();
  for (const { key, value } of database.bucket(EtcdBucket.KEY)!.rows()) {
    const { main, isTombstone } = revisionOfKey(key)!;
    if (main > at) break;
    const kv = decodeMessage("KeyValue", mvccpb.KeyValue, value);
    if (isTombstone) keys.delete(binaryString(kv.key));
    else
      keys.set(
        binaryString(kv.key),
        shown({
          key: kv.key,
          value: kv.value,
          createRevision: Number(kv.createRevision) as Revision,
          modRevision: Number(kv.modRevision) as Revision,
          version: Number(kv.version),
          lease: signedId(kv.lease) as KeyValue["lease"],
        }),
      );
  }
  return [...keys].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, kv]) => kv);
}

function shown({ key, value, createRevision, modRevision, version, lease }: KeyValue): unknown {
  return [hexOf(key), hexOf(value), createRevision, modRevision, version, lease];
}

describe("an etcd snapshot", () => {
  it("shows the same keys as the state at every readable revision, and the same leases", async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 9 }), fc.nat(20), async (lists, rows, budget) => {
        const state = new StateFixture({ eventRowBytesMax: 200 });
        for (const list of lists) {
          state.apply([state.entry(...resolveRevisions(list, state.machine.position.revision))]);
          state.compactStep(1 + budget);
        }
        const { revision, compactRevision, index, term } = state.machine.position;
        const database = await snapshotOf(state, rows);

        for (let at = Math.max(compactRevision, 1); at <= revision; at += 1) {
          const request = rangeRequest("\0", "\0", { revision: at as Revision });
          const outcome = state.machine.read({ kind: "range", request });
          if (!outcome.ok || outcome.kind !== "range") throw new Error(`Cannot read at ${at}`);
          expect(readableIn(database, at)).toEqual(outcome.response.kvs.map(shown));
        }
        const leases = [...database.bucket(EtcdBucket.LEASE)!.rows()].map(({ value }) =>
          decodeLeaseRow(value),
        );
        expect(leases.sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual(
          state.machine
            .leases()
            .map(({ id, ttlSeconds, remainingSeconds }) => ({
              id: id as bigint,
              ttlSeconds: BigInt(ttlSeconds),
              remainingSeconds: BigInt(remainingSeconds),
            }))
            .sort((one, other) => (one.id < other.id ? -1 : 1)),
        );
        const meta = new Map(
          [...database.bucket(EtcdBucket.META)!.rows()].map(({ key, value }) => [binaryString(key), value]),
        );
        const number = (name: Uint8Array): number => Number(`0x${hexOf(meta.get(binaryString(name))!)}`);
        expect([number(EtcdMeta.CONSISTENT_INDEX), number(EtcdMeta.TERM)]).toEqual([index, term]);
        const compacted = meta.get(binaryString(EtcdMeta.FINISHED_COMPACTION));
        expect(compacted && revisionOfKey(compacted)?.main).toBe(
          compactRevision > 0 ? compactRevision : undefined,
        );
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  it("of a state to which nothing was applied has etcd's buckets, and nothing in them", async () => {
    const database = await snapshotOf(new StateFixture(), 5);
    const names = [...database.bucketNames()].map(binaryString);
    expect(names).toEqual(Object.values(EtcdBucket).map(binaryString).sort());
    expect([...database.bucket(EtcdBucket.KEY)!.rows()]).toEqual([]);
  });

  it("has a key that a lease no longer holds attached to none", async () => {
    const state = new StateFixture();
    const id = 7n as KeyValue["lease"];
    const put = (lease: KeyValue["lease"]): Command => ({
      kind: "put",
      request: {
        key: Uint8Array.of(1),
        value: Uint8Array.of(2),
        lease,
        prevKv: false,
        ignoreValue: false,
        ignoreLease: false,
      },
    });
    state.apply([
      state.entry({ kind: "lease-grant", request: { id, ttlSeconds: 60 } }, put(id), put(NO_LEASE)),
    ]);
    const database = await snapshotOf(state, 5);
    const changes = [...database.bucket(EtcdBucket.KEY)!.rows()];
    expect(changes.map(({ value }) => signedId(mvccpb.KeyValue.decode(value).lease))).toEqual([7n, 0n]);
  });
});
