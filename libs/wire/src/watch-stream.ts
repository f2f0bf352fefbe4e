import { assertNever } from "@quorate/base";
import type { Revision } from "@quorate/mvcc";
import type {
  SourceId,
  StreamId,
  WatchCommand,
  WatchDelivery,
  WatcherNumber,
  WatchItem,
} from "@quorate/watch";
import { DecodeError } from "./errors";
import { counterOf, saturatingNumber, unsignedId, wireId, type WireInt64 } from "./int64";
import { decodeMessage, quorate } from "./protocol";

const wire = quorate.api.v1;

/** Asks a fan-out to serve a stream. */
export interface WatchOpen {
  readonly stream: StreamId;
  /** Where deliveries are published. */
  readonly deliver: string;
  readonly windowBytes: number;
  readonly commands: readonly WatchCommand[];
}

/** What a subscriber tells the fan-out that serves it. */
export interface WatchControl {
  readonly stream: StreamId;
  readonly ack: number;
  readonly firstCommand: number;
  readonly commands: readonly WatchCommand[];
  readonly close: boolean;
}

/** Where events come from, for the headers of responses. */
export interface WatchOrigin {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly term: number;
}

export type WatchDeliveryMessage =
  | {
      readonly kind: "delivery";
      readonly source: SourceId;
      readonly origin: WatchOrigin;
      readonly delivery: WatchDelivery;
    }
  /** The source does not, or no longer, serve the stream. */
  | { readonly kind: "unknown"; readonly source: SourceId; readonly stream: StreamId };

export function encodeWatchOpen(open: WatchOpen): Uint8Array {
  const { stream, deliver, windowBytes, commands } = open;
  return wire.WatchOpen.encode({
    stream: wireId(stream),
    deliver,
    windowBytes,
    commands: commands.map(wireCommand),
  }).finish();
}

/** Keys are views into `bytes`. @throws {DecodeError} */
export function decodeWatchOpen(bytes: Uint8Array): WatchOpen {
  const message = decodeMessage("WatchOpen", wire.WatchOpen, bytes);
  return {
    stream: unsignedId(message.stream) as StreamId,
    deliver: message.deliver,
    windowBytes: message.windowBytes,
    commands: message.commands.map(commandOf),
  };
}

export function encodeWatchOpened(source: SourceId): Uint8Array {
  return wire.WatchOpened.encode({ source: wireId(source) }).finish();
}

/** @throws {DecodeError} */
export function decodeWatchOpened(bytes: Uint8Array): SourceId {
  return unsignedId(decodeMessage("WatchOpened", wire.WatchOpened, bytes).source) as SourceId;
}

export function encodeWatchControl(control: WatchControl): Uint8Array {
  const { stream, ack, firstCommand, commands, close } = control;
  return wire.WatchControl.encode({
    stream: wireId(stream),
    ack,
    firstCommand,
    commands: commands.map(wireCommand),
    close,
  }).finish();
}

/** Keys are views into `bytes`. @throws {DecodeError} */
export function decodeWatchControl(bytes: Uint8Array): WatchControl {
  const message = decodeMessage("WatchControl", wire.WatchControl, bytes);
  return {
    stream: unsignedId(message.stream) as StreamId,
    ack: counterOf(message.ack, "ack"),
    firstCommand: counterOf(message.firstCommand, "first_command"),
    commands: message.commands.map(commandOf),
    close: message.close,
  };
}

export function encodeWatchDelivery(message: WatchDeliveryMessage): Uint8Array {
  if (message.kind === "unknown") {
    const { source, stream } = message;
    return wire.WatchDelivery.encode({
      source: wireId(source),
      stream: wireId(stream),
      unknown: true,
    }).finish();
  }
  const { source, origin, delivery } = message;
  return wire.WatchDelivery.encode({
    source: wireId(source),
    stream: wireId(delivery.stream),
    sequence: delivery.sequence,
    commands: delivery.commands,
    items: delivery.items.map(wireItem),
    revision: delivery.revision,
    behind: [...delivery.behind],
    clusterId: wireId(origin.clusterId),
    memberId: wireId(origin.memberId),
    term: origin.term,
  }).finish();
}

/** Events are views into `bytes`. @throws {DecodeError} */
export function decodeWatchDelivery(bytes: Uint8Array): WatchDeliveryMessage {
  const message = decodeMessage("WatchDelivery", wire.WatchDelivery, bytes);
  const source = unsignedId(message.source) as SourceId;
  const stream = unsignedId(message.stream) as StreamId;
  if (message.unknown) return { kind: "unknown", source, stream };
  return {
    kind: "delivery",
    source,
    origin: {
      clusterId: unsignedId(message.clusterId),
      memberId: unsignedId(message.memberId),
      term: counterOf(message.term, "term"),
    },
    delivery: {
      stream,
      sequence: counterOf(message.sequence, "sequence"),
      commands: counterOf(message.commands, "commands"),
      items: message.items.map(itemOf),
      revision: revisionOf(message.revision),
      behind: message.behind as WatcherNumber[],
    },
  };
}

function wireCommand(command: WatchCommand): quorate.api.v1.WatchCommand.$Properties {
  switch (command.kind) {
    case "create": {
      const { watcher, next, seen, spec } = command;
      const { range, prevKv, noPut, noDelete } = spec;
      return {
        create: {
          watcher,
          key: range.key,
          ...(range.rangeEnd === undefined ? {} : { rangeEnd: range.rangeEnd }),
          next,
          seen,
          prevKv,
          noPut,
          noDelete,
        },
      };
    }
    case "cancel":
      return { cancel: { watcher: command.watcher } };
    case "progress":
      return { progress: { watchers: [...command.watchers] } };
    default:
      return assertNever(command);
  }
}

function commandOf(message: quorate.api.v1.WatchCommand.$Properties): WatchCommand {
  const { create, cancel, progress } = message;
  if (create) {
    return {
      kind: "create",
      watcher: watcherOf(create.watcher),
      spec: {
        range: { key: create.key ?? new Uint8Array(0), rangeEnd: create.rangeEnd ?? undefined },
        prevKv: create.prevKv ?? false,
        noPut: create.noPut ?? false,
        noDelete: create.noDelete ?? false,
      },
      next: revisionOf(create.next),
      seen: revisionOf(create.seen),
    };
  }
  if (cancel) return { kind: "cancel", watcher: watcherOf(cancel.watcher) };
  if (progress) return { kind: "progress", watchers: (progress.watchers ?? []) as WatcherNumber[] };
  throw new DecodeError("WatchCommand", "its kind is not known");
}

function wireItem(item: WatchItem): quorate.api.v1.WatchItem.$Properties {
  switch (item.kind) {
    case "created":
      return { created: { watcher: item.watcher, next: item.next, revision: item.revision } };
    case "events": {
      const { watchers, revision, next, events } = item;
      return { events: { watchers: [...watchers], revision, next, events: [...events] } };
    }
    case "compacted":
      return { compacted: { watcher: item.watcher, compactRevision: item.compactRevision } };
    case "progress":
      return { progress: { revision: item.revision, watchers: [...item.watchers] } };
    default:
      return assertNever(item);
  }
}

function itemOf(message: quorate.api.v1.WatchItem.$Properties): WatchItem {
  const { created, events, compacted, progress } = message;
  if (created) {
    const watcher = watcherOf(created.watcher);
    return {
      kind: "created",
      watcher,
      next: revisionOf(created.next),
      revision: revisionOf(created.revision),
    };
  }
  if (events) {
    return {
      kind: "events",
      watchers: (events.watchers ?? []) as WatcherNumber[],
      revision: revisionOf(events.revision),
      next: revisionOf(events.next),
      events: events.events ?? [],
    };
  }
  if (compacted) {
    const compactRevision = saturatingNumber(compacted.compactRevision ?? 0) as Revision;
    return { kind: "compacted", watcher: watcherOf(compacted.watcher), compactRevision };
  }
  if (progress) {
    const watchers = (progress.watchers ?? []) as WatcherNumber[];
    return { kind: "progress", revision: revisionOf(progress.revision), watchers };
  }
  throw new DecodeError("WatchItem", "its kind is not known");
}

function watcherOf(value: number | null | undefined): WatcherNumber {
  return (value ?? 0) as WatcherNumber;
}

function revisionOf(value: WireInt64 | null | undefined): Revision {
  return counterOf(value ?? 0, "revision") as Revision;
}
