import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemScheduler } from "@quorate/actor";
import { concatBytes, utf8 } from "@quorate/base";
import { DatabaseReader, EtcdBucket, readAtOf } from "@quorate/bbolt";
import { decodeBackupRequest, encodeSnapshotGone, etcdserverpb, type BackupRequest } from "@quorate/wire";
import { putRequest } from "../../../../libs/mvcc/src/testing/requests";
import { StateFixture } from "../../../../libs/state-machine/src/testing/state-fixture";
import type { MemberId } from "../actors/leader-view";
import type { RequestFailure } from "../api/request-failure";
import type { StreamCall } from "../api/stream-method";
import { memberId } from "../testing/bench";
import { chunksOf } from "../testing/encoded-state";
import { testGateway } from "../testing/test-gateway";

const KEYS = 500;
/** Files are really written, on a machine that may be busy. */
jest.setTimeout(30_000);

/** A gateway in front of a member with a state; `reading`: what a client is sent, and may do. */
function build(
  options: { readonly hasHome?: boolean; readonly answers?: (request: BackupRequest) => boolean } = {},
) {
  const spoolDirectory = mkdtempSync(join(tmpdir(), "quorate-spool-"));
  const home = options.hasHome === false ? {} : { homeMember: memberId(1) };
  const time = { clock: systemClock, scheduler: systemScheduler };
  const { gateway, network, subjects } = testGateway(time, {
    homeMember: undefined,
    ...home,
    spoolDirectory,
  });
  const state = new StateFixture();
  for (let index = 0; index < KEYS; index += 1)
    state.apply([
      state.entry({ kind: "put", request: putRequest(`key ${index}`, "value ".repeat(index % 40)) }),
    ]);
  const asked: { readonly member: MemberId; readonly request: BackupRequest }[] = [];
  const held = new Map<number, Uint8Array[]>();
  const serve = (member: MemberId): void => {
    const node = network.connect(`backups of ${member}`);
    node.subscribe(subjects.node(member, "backup"), ({ payload, reply }) => {
      const request = decodeBackupRequest(payload);
      asked.push({ member, request });
      if (request.kind === "close" || reply === undefined) return;
      const { transfer, sequence } = request;
      const chunks = held.get(transfer) ?? chunksOf(transfer, state.store, state.machine.position, 20);
      held.set(transfer, chunks);
      const isHeld = options.answers?.(request) ?? true;
      node.publish(reply, (isHeld ? chunks[sequence] : undefined) ?? encodeSnapshotGone(transfer, sequence));
    });
  };
  const stop = (): void => {
    gateway.close();
    rmSync(spoolDirectory, { recursive: true });
  };
  return { gateway, state, asked, serve, stop, spoolDirectory };
}

/** A client that calls Snapshot; `slow`: it reads a message each time the stream may go on. */
function call(gateway: ReturnType<typeof build>["gateway"], slow = false) {
  const messages: etcdserverpb.SnapshotResponse[] = [];
  const started = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<RequestFailure | undefined>();
  const stream: StreamCall = gateway.snapshots.snapshot(
    { timeoutMs: Infinity, requireLeader: false },
    {
      send: (response) => {
        messages.push(etcdserverpb.SnapshotResponse.decode(response));
        started.resolve(undefined);
        if (slow) setImmediate(() => stream.drained());
        return !slow;
      },
      sendShared: () => true,
      pause: () => undefined,
      resume: () => undefined,
      end: (failure) => ended.resolve(failure),
    },
  );
  stream.receive(etcdserverpb.SnapshotRequest.encode({}).finish());
  return { messages, stream, started: started.promise, ended: ended.promise };
}

describe("Maintenance.Snapshot", () => {
  it.each([false, true])(
    "sends a database in messages of 32 KiB, and its digest (slow client: %s)",
    async (slow) => {
      const { gateway, serve, asked, stop } = build();
      serve(memberId(1));
      const { messages, ended } = call(gateway, slow);
      expect(await ended).toBeUndefined();

      const database = concatBytes(messages.slice(0, -1).map(({ blob }) => blob));
      expect(Buffer.from(messages.at(-1)!.blob)).toEqual(createHash("sha256").update(database).digest());
      expect(messages.every(({ blob }) => blob.length <= 32 * 1024)).toBe(true);
      let left = database.length;
      for (const { blob, remainingBytes, version } of messages.slice(0, -1)) {
        left -= blob.length;
        expect([Number(remainingBytes), version]).toEqual([left, "3.5.0"]);
      }
      expect(Number(messages.at(-1)!.remainingBytes)).toBe(0);
      const reader = new DatabaseReader({ readAt: readAtOf(database) });
      expect([...reader.bucket(EtcdBucket.KEY)!.rows()]).toHaveLength(KEYS);
      while (asked.at(-1)?.request.kind !== "close") await new Promise(setImmediate);
      stop();
    },
  );

  it("fails in the middle if the member no longer holds its state, with nothing sent that ends like a whole", async () => {
    const { gateway, serve, stop } = build({
      answers: (request) => request.kind === "read" && request.sequence < 3,
    });
    serve(memberId(1));
    const { messages, ended } = call(gateway);
    expect(await ended).toMatchObject({ code: "member-unreachable" });
    expect(messages).toEqual([]);
    stop();
  });

  it("asks another member if one makes as many backups as it may", async () => {
    const { gateway, serve, asked, stop } = build({
      hasHome: false,
      answers: () => asked.at(-1)!.member !== asked[0]!.member,
    });
    for (const id of [1, 2, 3]) serve(memberId(id));
    while (gateway.directory.voters.length < 3) await new Promise(setImmediate);
    expect(await call(gateway).ended).toBeUndefined();
    expect(new Set(asked.map(({ member }) => member)).size).toBe(2);
    stop();
  });

  it("is refused if all members are busy, and if the gateway is", async () => {
    const { gateway, serve, stop } = build({ answers: () => false });
    serve(memberId(1));
    expect(await call(gateway).ended).toMatchObject({ code: "too-many-requests" });
    const running = [call(gateway), call(gateway), call(gateway)];
    expect(await running[2]!.ended).toMatchObject({ code: "too-many-requests" });
    await Promise.all(running.map(({ ended }) => ended));
    stop();
  });

  it("lets go of everything when the client is gone, and of its place among those that run", async () => {
    const { gateway, serve, asked, spoolDirectory, stop } = build();
    serve(memberId(1));
    for (let round = 0; round < 3; round += 1) {
      const { stream, started } = call(gateway, true);
      await started;
      stream.cancel();
    }
    expect(readdirSync(spoolDirectory)).toEqual([]);
    expect(await call(gateway).ended).toBeUndefined();
    const closed = (): number => asked.filter(({ request }) => request.kind === "close").length;
    while (closed() < 4) await new Promise(setImmediate);
    stop();
  });

  it("ends with the gateway", async () => {
    const { gateway, serve, stop } = build();
    serve(memberId(1));
    const { ended, started } = call(gateway, true);
    await started;
    gateway.close();
    expect(await ended).toMatchObject({ code: "stopped" });
    stop();
  });

  it("says that it could not be made if there is no room for it", async () => {
    const { gateway, serve, spoolDirectory } = build();
    serve(memberId(1));
    rmSync(spoolDirectory, { recursive: true });
    // A file where the directory should be.
    writeFileSync(spoolDirectory, utf8("x"));
    expect(await call(gateway).ended).toMatchObject({ code: "internal" });
    gateway.close();
    rmSync(spoolDirectory);
  });
});
