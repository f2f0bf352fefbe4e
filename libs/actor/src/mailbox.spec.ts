import { Mailbox } from "./mailbox";
import { VirtualTime } from "./virtual-time";

class Recorder {
  readonly log: (string | number)[] = [];
  onMessage: (message: number) => void = () => undefined;

  receive(message: number): void {
    this.log.push(message);
    this.onMessage(message);
  }

  turnEnded(): void {
    this.log.push("end");
  }
}

function build(options: { capacity?: number; turnMax?: number } = {}) {
  const time = new VirtualTime();
  const actor = new Recorder();
  const mailbox = new Mailbox<number>(
    { name: "test", capacity: options.capacity ?? 10, turnMax: options.turnMax ?? 3 },
    { actor, scheduler: time },
  );
  return { time, actor, mailbox };
}

describe("Mailbox", () => {
  it("delivers later, in order, and ends the turn once it is empty", () => {
    const { time, actor, mailbox } = build();
    mailbox.tell(1);
    mailbox.tell(2);
    expect(actor.log).toEqual([]);
    time.advance(0);
    expect(actor.log).toEqual([1, 2, "end"]);
  });

  it("gives others their turn after turnMax messages", () => {
    const { time, actor, mailbox } = build({ turnMax: 2 });
    for (const message of [1, 2, 3]) mailbox.tell(message);
    time.post(() => actor.log.push("other"));
    time.advance(0);
    expect(actor.log).toEqual([1, 2, "end", "other", 3, "end"]);
  });

  it("handles what an actor tells itself after what already waits, in the same turn", () => {
    const { time, actor, mailbox } = build({ turnMax: 10 });
    actor.onMessage = (message) => {
      if (message === 1) mailbox.tell(3);
    };
    mailbox.tell(1);
    mailbox.tell(2);
    time.advance(0);
    expect(actor.log).toEqual([1, 2, 3, "end"]);
  });

  it("treats a mailbox over its capacity as a bug of flow control", () => {
    const { mailbox } = build({ capacity: 1 });
    mailbox.tell(1);
    expect(() => mailbox.tell(2)).toThrow("a mailbox never outgrows its capacity (actor=test, capacity=1)");
  });

  it("drops everything once closed", () => {
    const { time, actor, mailbox } = build();
    mailbox.tell(1);
    mailbox.close();
    mailbox.tell(2);
    time.advance(0);
    expect(actor.log).toEqual([]);
  });
});
