/** Thrown where a process shall end, between two of its effects; it unwinds whatever the process was doing. */
export class ProcessEnd extends Error {
  override readonly name = "ProcessEnd";

  constructor(readonly powerLoss: boolean) {
    super("The process ends here");
  }
}
