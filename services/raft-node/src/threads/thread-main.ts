import { parentPort } from "node:worker_threads";
import { Mailbox, systemScheduler, type Actor, type ActorRef } from "@quorate/actor";
import type { Posted } from "./posted";

export interface ThreadActor<Message> {
  readonly actor: Actor<Message>;
  /** Posted to the owner once the actor is ready. */
  readonly started: Readonly<Record<string, unknown>>;
  readonly close: () => PromiseLike<void>;
}

/** Messages that may wait in a thread: far above what Raft's own limits let come, so that only a bug reaches it. */
const MAILBOX_CAPACITY = 1_000_000;
const TURN_MAX = 4096;

/**
 * Runs one actor in this worker thread until it is told to close. An error while opening is reported; one later ends the
 * thread, which its owner takes as the end of the process.
 */
export async function runThread<Message, Report>(
  name: string,
  unpack: (posted: never) => Message,
  pack: (report: Report) => Posted<unknown>,
  open: (reports: ActorRef<Report>) => Promise<ThreadActor<Message>>,
): Promise<void> {
  const port = parentPort!;
  const reports: ActorRef<Report> = {
    tell(report) {
      const { value, transfer } = pack(report);
      port.postMessage(value, transfer as ArrayBuffer[]);
    },
  };
  let opened: ThreadActor<Message>;
  try {
    opened = await open(reports);
  } catch (error) {
    const { code = "unknown", message } = error as { code?: string; message: string };
    port.postMessage({ kind: "start-failed", code, message });
    port.close();
    return;
  }
  const mailbox = new Mailbox<Message>(
    { name, capacity: MAILBOX_CAPACITY, turnMax: TURN_MAX },
    { actor: opened.actor, scheduler: systemScheduler },
  );
  port.on("message", (posted: { kind: string }) => {
    if (posted.kind === "close") {
      // After the turn that is already scheduled, so that what was told before is done.
      systemScheduler.post(() => void close());
    } else mailbox.tell(unpack(posted as never));
  });
  port.postMessage({ kind: "started", ...opened.started });

  async function close(): Promise<void> {
    mailbox.close();
    await opened.close();
    port.postMessage({ kind: "closed" });
    port.close();
  }
}
