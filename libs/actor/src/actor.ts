/** The only thing an actor holds of another: it does not tell whether that one is in this thread, this process or far. */
export interface ActorRef<M> {
  /** Never blocks, never throws on delivery. A full mailbox drops the message if it may be dropped, see `Mailbox`. */
  tell(message: M): void;
}

/** Handles one message at a time, synchronously: decide, then perform. State read before a wait is stale after it. */
export interface Actor<M> {
  receive(message: M): void;
  /**
   * Called after the mailbox ran empty (or after `turnMax` messages): the place to flush what the turn gathered, so that
   * a burst of messages costs one write, one send, one sync.
   */
  turnEnded?(): void;
}
