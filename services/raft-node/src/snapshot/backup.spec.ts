import { VirtualTime } from "@quorate/actor";
import { seededPrng, utf8 } from "@quorate/base";
import type { LogIndex, MemberId } from "@quorate/raft";
import { STATE_COLUMNS, type StateColumn } from "@quorate/state-machine";
import { MemorySnapshotStorage, MemoryStatePlace } from "@quorate/storage";
import { MemoryNetwork } from "@quorate/transport";
import {
  decodeCommandBatch,
  decodeSnapshotChunk,
  decodeSnapshotRows,
  encodeBackupRequest,
  encodeCommandBatch,
  etcdserverpb,
  parseClusterName,
  Subjects,
  type SnapshotChunk,
} from "@quorate/wire";
import { AppliedState } from "./applied-state";
import { BackupDoor } from "./backup-door";
import { SnapshotLane } from "./snapshot-lane";

const MEMBER = 0xa1n as MemberId;

/** A member with a state, and a gateway that asks for it. */
function build() {
  const time = new VirtualTime();
  const network = new MemoryNetwork({}, { clock: time, scheduler: time, prng: seededPrng(1) });
  const subjects = new Subjects(parseClusterName("c"));
  const storage = new MemorySnapshotStorage(new MemoryStatePlace<StateColumn>(STATE_COLUMNS), 0 as LogIndex);
  const state = new AppliedState({ storage });
  const lane = new SnapshotLane(
    { chunkBytesMax: 100, windowChunks: 8 },
    {
      state,
      reports: {
        tell: (report) => {
          if (report.kind === "backup-chunk") door.report(report);
        },
      },
      clock: time,
    },
  );
  const door = new BackupDoor(
    { memberId: MEMBER, requestsMax: 4 },
    {
      transport: network.connect("member"),
      subjects,
      applier: { tell: (message) => lane.receive(message, () => undefined) },
    },
  );
  door.open();
  const gateway = network.connect("gateway");
  const subject = subjects.node(MEMBER, "backup");
  const ask = (transfer: number, sequence: number): SnapshotChunk | "gone" | undefined => {
    let answer: SnapshotChunk | "gone" | undefined;
    gateway.request(
      subject,
      encodeBackupRequest({ kind: "read", transfer, sequence }),
      { timeoutMs: 100 },
      (result) => {
        if (result.kind === "answer") answer = decodeSnapshotChunk(Uint8Array.from(result.payload));
      },
    );
    time.advance(10);
    return answer;
  };
  const close = (transfer: number): void => {
    gateway.publish(subject, encodeBackupRequest({ kind: "close", transfer }));
    time.advance(10);
  };
  return { time, state, ask, close };
}

function put(state: AppliedState, index: number, count: number): void {
  const bytes = (at: number): Uint8Array =>
    etcdserverpb.PutRequest.encode({ key: utf8(`k${at}`), value: utf8(`${index}`) }).finish();
  const commands = decodeCommandBatch(
    encodeCommandBatch(Array.from({ length: count }, (_, at) => ({ kind: "put", bytes: bytes(at) }))),
  );
  const batch = state.store.batch();
  state.stateMachine.apply([{ index, term: 1, commands }], batch);
  batch.write({ sync: false });
}

describe("a backup", () => {
  it("is of one moment, and begins with how far the state is compacted", () => {
    const { state, ask } = build();
    put(state, 1, 40);
    const first = ask(7, 0) as SnapshotChunk;
    expect(decodeSnapshotRows(first.rows)[0]?.column).toBe("meta");
    put(state, 2, 40);

    const columns = new Map<string, number>();
    let last = first;
    for (let sequence = 0; ; sequence += 1) {
      last = sequence === 0 ? first : (ask(7, sequence) as SnapshotChunk);
      for (const { column, keys } of decodeSnapshotRows(last.rows))
        columns.set(column, (columns.get(column) ?? 0) + keys.length);
      if (last.summary !== undefined) break;
    }
    expect([...columns.keys()]).toEqual(["meta", "lease", "latest", "history", "event"]);
    expect([columns.get("latest"), columns.get("history"), columns.get("event")]).toEqual([40, 0, 1]);
    expect(last.summary).toMatchObject({ index: 1, revision: 41 });
  });

  it("is not there for more than two at once, and none of them makes room for a third", () => {
    const { state, ask, close } = build();
    put(state, 1, 40);
    expect(ask(1, 0)).toMatchObject({ sequence: 0 });
    expect(ask(2, 0)).toMatchObject({ sequence: 0 });
    expect(ask(3, 0)).toBe("gone");
    expect(ask(1, 1)).toMatchObject({ sequence: 1 });
    close(2);
    expect(ask(3, 0)).toMatchObject({ sequence: 0 });
  });

  it("is forgotten 30 s after it was last asked for, and does not begin in its middle", () => {
    const { time, state, ask } = build();
    put(state, 1, 40);
    expect(ask(1, 0)).toMatchObject({ sequence: 0 });
    time.advance(20_000);
    expect(ask(1, 1)).toMatchObject({ sequence: 1 });
    time.advance(29_000);
    expect(ask(1, 2)).toMatchObject({ sequence: 2 });
    time.advance(31_000);
    expect(ask(1, 3)).toBe("gone");
    expect(ask(2, 1)).toBe("gone");
  });

  it("answers the same chunk again, and says of one behind its end that there is none", () => {
    const { state, ask } = build();
    put(state, 1, 0);
    const first = ask(1, 0);
    expect(ask(1, 0)).toEqual(first);
    expect(ask(1, 1)).toBe("gone");
  });
});
