import type { Clock, Scheduler } from "@quorate/base";
import type { Transport } from "@quorate/transport";
import type { StreamId } from "@quorate/watch";
import type { Subjects } from "@quorate/wire";
import { WatchConnection, type WatchConnectionDependencies } from "./watch-connection";

/** What a client lends to whatever watches through it. */
export interface WatchPorts {
  readonly transport: Transport;
  readonly subjects: Subjects;
  /** Begins the subjects where streams are delivered. */
  readonly inboxPrefix: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** 64 random bits at each call. */
  readonly randomId: () => bigint;
}

const WINDOW_BYTES = 1024 * 1024;
const HEARTBEAT_MS = 1000;
const ANSWER_MS = 1000;

/** A watch stream of a client, with an inbox of its own: by the doors that are open to applications. */
export function newWatchConnection(
  ports: WatchPorts,
  consumer: WatchConnectionDependencies["consumer"],
): WatchConnection {
  const { subjects, inboxPrefix, randomId } = ports;
  return new WatchConnection(
    {
      openSubject: subjects.api("watch", "create"),
      controlSubject: (source) => subjects.watchStream(source),
      deliverSubject: `${inboxPrefix}.${randomId().toString(36)}`,
      windowBytes: WINDOW_BYTES,
      heartbeatMs: HEARTBEAT_MS,
      answerMs: ANSWER_MS,
    },
    { ...ports, newStreamId: () => randomId() as StreamId, consumer },
  );
}
