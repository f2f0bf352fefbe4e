import type { Revision } from "@quorate/mvcc";
import type { SourceId, StreamId, WatchCommand, WatcherNumber, WatchItem } from "@quorate/watch";
import { etcdserverpb } from "./protocol";
import { decodeWatchRequest, encodeWatchId, encodeWatchResponse } from "./watch-responses";
import {
  decodeWatchControl,
  decodeWatchDelivery,
  decodeWatchOpen,
  decodeWatchOpened,
  encodeWatchControl,
  encodeWatchDelivery,
  encodeWatchOpen,
  encodeWatchOpened,
} from "./watch-stream";

const stream = 0xffff_ffff_ffff_fffen as StreamId;
const source = 0x8000_0000_0000_0001n as SourceId;
const watcher = 3 as WatcherNumber;
const revision = (value: number): Revision => value as Revision;
const key = Uint8Array.of(1, 2);

const commands: WatchCommand[] = [undefined, Uint8Array.of(0), Uint8Array.of(9)].map((rangeEnd) => ({
  kind: "create",
  watcher,
  spec: { range: { key, rangeEnd }, prevKv: true, noPut: false, noDelete: true },
  next: revision(2 ** 40),
  seen: revision(7),
}));
commands.push(
  { kind: "cancel", watcher },
  { kind: "progress", watchers: [watcher] },
  { kind: "progress", watchers: [] },
);

describe("messages of a watch stream", () => {
  it("come back as they were", () => {
    const open = { stream, deliver: "_INBOX.x", windowBytes: 5, commands };
    expect(decodeWatchOpen(encodeWatchOpen(open))).toEqual(open);
    const control = { stream, ack: 4, firstCommand: 9, commands, close: true };
    expect(decodeWatchControl(encodeWatchControl(control))).toEqual(control);
    expect(decodeWatchOpened(encodeWatchOpened(source))).toBe(source);
    const items: WatchItem[] = [
      { kind: "created", watcher, next: revision(5), revision: revision(4) },
      {
        kind: "events",
        watchers: [watcher, watcher],
        revision: revision(6),
        next: revision(7),
        events: [key, key],
      },
      { kind: "compacted", watcher, compactRevision: revision(3) },
      { kind: "progress", revision: revision(8), watchers: [watcher] },
      { kind: "progress", revision: revision(8), watchers: [] },
    ];
    const delivery = { stream, sequence: 1, commands: 2, items, revision: revision(8), behind: [watcher] };
    const origin = { clusterId: 1n, memberId: 2n ** 63n, term: 3 };
    const message = { kind: "delivery" as const, source, origin, delivery };
    expect(decodeWatchDelivery(encodeWatchDelivery(message))).toEqual(message);
    const unknown = { kind: "unknown" as const, source, stream };
    expect(decodeWatchDelivery(encodeWatchDelivery(unknown))).toEqual(unknown);
  });
});

describe("etcd's Watch messages", () => {
  it.each([
    ["an absent end", {}, undefined],
    ["an empty end", { rangeEnd: new Uint8Array(0) }, undefined],
    ["an open end", { rangeEnd: Uint8Array.of(0) }, Uint8Array.of(0)],
  ])("knows a single key from a range: %s", (_what, end, expected) => {
    const request = etcdserverpb.WatchRequest.encode({ createRequest: { key, ...end } }).finish();
    expect(decodeWatchRequest(request)).toMatchObject({ kind: "create", range: { key, rangeEnd: expected } });
  });

  it("reads ids of 64 bits, filters that it does not know, and requests of no kind", () => {
    const create = { watchId: -2, filters: [1, 9 as number as 1], startRevision: -3, fragment: true };
    expect(
      decodeWatchRequest(etcdserverpb.WatchRequest.encode({ createRequest: create }).finish()),
    ).toMatchObject({
      watchId: -2n,
      noPut: false,
      noDelete: true,
      startRevision: -3,
      fragment: true,
      range: { key: Uint8Array.of(0) },
    });
    expect(decodeWatchRequest(new Uint8Array(0))).toEqual({ kind: "none" });
  });

  it("writes what the generated code reads", () => {
    const origin = { clusterId: 2n ** 63n, memberId: 5n, term: 6 };
    const event = etcdserverpb.WatchResponse.decode(
      encodeWatchResponse({
        origin,
        revision: 7,
        watchId: -1n,
        created: true,
        canceled: true,
        cancelReason: "x",
      }),
    );
    expect(event).toMatchObject({
      created: true,
      canceled: true,
      cancelReason: "x",
      fragment: false,
      events: [],
    });
    expect([event.watchId, event.header?.clusterId, event.header?.revision].map(String)).toEqual([
      "-1",
      "9223372036854775808",
      "7",
    ]);
  });

  it("takes the id of a watcher in front of what it shares with others", () => {
    const origin = { clusterId: 2n ** 63n, memberId: 5n, term: 6 };
    const events = [etcdserverpb.WatchResponse.encode({ watchId: 1 }).finish()];
    const shared = encodeWatchResponse({ origin, revision: 7, watchId: 0n, events });
    for (const watchId of [5n, 0n, 127n, 128n, 2n ** 62n, -1n]) {
      const response = etcdserverpb.WatchResponse.decode(Buffer.concat([encodeWatchId(watchId), shared]));
      expect(response.watchId.toString()).toBe(`${watchId}`);
      expect(response.events).toHaveLength(1);
      expect(String(response.header?.revision)).toBe("7");
    }
  });
});
