import type { Brand } from "@quorate/base";
import type { KeyRange, Revision } from "@quorate/mvcc";

/** One stream of deliveries to one subscriber: random 64 bits, never used twice. */
export type StreamId = Brand<bigint, "StreamId">;

/** The fan-out process that serves a stream: random 64 bits per start. */
export type SourceId = Brand<bigint, "SourceId">;

/** Names a watcher within its stream; chosen by the subscriber, counted from 1 and never used twice. */
export type WatcherNumber = Brand<number, "WatcherNumber">;

/** A change on its way to watchers. What they are sent stays encoded; the core only looks at what it matches by. */
export interface WatchEvent {
  readonly kind: "put" | "delete";
  readonly main: Revision;
  /** A binary string: one character per byte. */
  readonly key: string;
  /** The encoded event. */
  readonly bytes: Uint8Array;
  /** How many of `bytes` are the event without its previous key-value. */
  readonly headBytes: number;
}

/** What a subscriber wants to be told. */
export interface WatcherSpec {
  readonly range: KeyRange;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
}

/** What a subscriber asks of its stream. Commands are numbered from 1 and carried out in order, each once. */
export type WatchCommand =
  | {
      readonly kind: "create";
      readonly watcher: WatcherNumber;
      readonly spec: WatcherSpec;
      /** The first revision that is wanted; 0: from now on. */
      readonly next: Revision;
      /** "Now" does not lie before this revision: the subscriber has seen it. */
      readonly seen: Revision;
    }
  | { readonly kind: "cancel"; readonly watcher: WatcherNumber }
  /** Answered by a progress item if the watchers (none named: all) have been sent everything; otherwise not at all. */
  | { readonly kind: "progress"; readonly watchers: readonly WatcherNumber[] };

/** What a stream delivers, in order. */
export type WatchItem =
  | {
      readonly kind: "created";
      readonly watcher: WatcherNumber;
      /** The revision it begins with. */
      readonly next: Revision;
      /** Where the store stood. */
      readonly revision: Revision;
    }
  | {
      readonly kind: "events";
      /** One or more, each of which gets all of it. */
      readonly watchers: readonly WatcherNumber[];
      /** For the header: the revision of the events if they are live, else where the store stood. */
      readonly revision: Revision;
      /** The watchers have now been sent everything before this revision. */
      readonly next: Revision;
      /** Encoded events of whole revisions, in order. */
      readonly events: readonly Uint8Array[];
    }
  /** The watcher ended: what it wanted next has been compacted. */
  | { readonly kind: "compacted"; readonly watcher: WatcherNumber; readonly compactRevision: Revision }
  | {
      readonly kind: "progress";
      readonly revision: Revision;
      readonly watchers: readonly WatcherNumber[];
    };

/** What a subscriber receives at once. */
export interface WatchDelivery {
  readonly stream: StreamId;
  /** Number of the last delivery with items: this one, if it has any. */
  readonly sequence: number;
  /** Commands carried out so far. */
  readonly commands: number;
  readonly items: readonly WatchItem[];
  /** Every watcher that is not `behind` has been sent everything up to this revision. */
  readonly revision: Revision;
  readonly behind: readonly WatcherNumber[];
}
