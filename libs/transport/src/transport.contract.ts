import { textOf, utf8 } from "@quorate/base";
import { TransportClosedError } from "./errors";
import type { InboundMessage, RequestOptions, RequestResult, Transport } from "./transport";

/** One broker with as many clients as a test needs. */
export interface TransportContractBroker {
  /** What every client of it splits payloads at. */
  readonly fragmentBytes: number;
  connect(name: string): Promise<Transport>;
  /** Ends the broker; the clients are closed before. */
  stop(): Promise<void>;
}

/** What every {@link Transport} must do, whatever carries its messages. Each test uses subjects of its own. */
export function transportContract(name: string, start: () => Promise<TransportContractBroker>): void {
  describe(`${name}, as a transport`, () => {
    let broker: TransportContractBroker;
    let opened: Transport[] = [];
    let tests = 0;
    let subject = "";

    beforeAll(async () => {
      broker = await start();
    });
    beforeEach(() => {
      tests += 1;
      subject = `contract.t${tests}`;
    });
    afterEach(async () => {
      for (const transport of opened) await transport[Symbol.asyncDispose]();
      opened = [];
    });
    afterAll(() => broker.stop());

    async function connect(client: string): Promise<Transport> {
      const transport = await broker.connect(client);
      opened.push(transport);
      return transport;
    }

    /** Two clients, the first of which is ready to be sent to once its subscriptions are flushed. */
    async function pair(): Promise<[Transport, Transport]> {
      return [await connect("receiver"), await connect("sender")];
    }

    describe("publish and subscribe", () => {
      it("delivers to matching subscriptions only", async () => {
        const [receiver, sender] = await pair();
        const inbox = new Inbox();
        receiver.subscribe(`${subject}.a`, inbox.add("literal"));
        receiver.subscribe(`${subject}.*`, inbox.add("star"));
        receiver.subscribe(`${subject}.>`, inbox.add("tail"));
        receiver.subscribe(`${subject}.b`, inbox.add("other"));
        await receiver.flush();
        sender.publish(`${subject}.a`, utf8("one"));
        await inbox.size(3);
        sender.publish(`${subject}.a.c`, utf8("two"));
        await inbox.size(4);
        expect(inbox.lines.sort()).toEqual(["literal one", "star one", "tail one", "tail two"]);
      });

      it("keeps the order of one publisher", async () => {
        const [receiver, sender] = await pair();
        const inbox = new Inbox();
        receiver.subscribe(subject, inbox.add(""));
        await receiver.flush();
        const sent = Array.from({ length: 500 }, (_, at) => `${at}`);
        for (const text of sent) expect(sender.publish(subject, utf8(text))).toBe(true);
        await inbox.size(500);
        expect(inbox.texts).toEqual(sent);
      });

      it("lets the payload be reused once publish returns", async () => {
        const [receiver, sender] = await pair();
        const inbox = new Inbox();
        receiver.subscribe(subject, inbox.add(""));
        await receiver.flush();
        const payload = utf8("before");
        sender.publish(subject, payload);
        payload.set(utf8("after!"));
        await inbox.size(1);
        expect(inbox.texts).toEqual(["before"]);
      });

      it("delivers to its own subscriptions, and what handlers publish", async () => {
        const transport = await connect("alone");
        const inbox = new Inbox();
        transport.subscribe(`${subject}.first`, () => transport.publish(`${subject}.second`, utf8("then")));
        transport.subscribe(`${subject}.second`, inbox.add(""));
        await transport.flush();
        transport.publish(`${subject}.first`, utf8("go"));
        await inbox.size(1);
        expect(inbox.texts).toEqual(["then"]);
      });

      it("carries headers and reply when given, and none when not", async () => {
        const [receiver, sender] = await pair();
        const seen: [string | undefined, unknown][] = [];
        const inbox = new Inbox();
        receiver.subscribe(subject, (message) => {
          seen.push([message.reply, message.headers && { ...message.headers }]);
          inbox.add("")(message);
        });
        await receiver.flush();
        sender.publish(subject, utf8("bare"));
        sender.publish(subject, utf8("full"), {
          reply: "answers.here",
          headers: { Traceparent: "00-a-b-01", "Content-Type": "application/json" },
        });
        await inbox.size(2);
        expect(seen).toEqual([
          [undefined, undefined],
          ["answers.here", { Traceparent: "00-a-b-01", "Content-Type": "application/json" }],
        ]);
      });

      it("gives each message to one member of a queue group and to every plain subscription", async () => {
        const [receiver, sender] = await pair();
        const other = await connect("other");
        const [members, plain] = [new Inbox(), new Inbox()];
        receiver.subscribe(subject, members.add("a"), { queue: "workers" });
        other.subscribe(subject, members.add("b"), { queue: "workers" });
        other.subscribe(subject, plain.add(""));
        await Promise.all([receiver.flush(), other.flush()]);
        const sent = Array.from({ length: 100 }, (_, at) => `${at}`.padStart(3, "0"));
        for (const text of sent) sender.publish(subject, utf8(text));
        await Promise.all([members.size(100), plain.size(100)]);
        expect(plain.texts).toEqual(sent);
        expect([...members.texts].sort()).toEqual(sent);
        expect(new Set(members.lines.map((line) => line[0]))).toEqual(new Set(["a", "b"]));
      });

      it("runs no handler after unsubscribe", async () => {
        const [receiver, sender] = await pair();
        const [stopped, kept] = [new Inbox(), new Inbox()];
        const subscription = receiver.subscribe(subject, (message) => {
          stopped.add("")(message);
          subscription.unsubscribe();
          subscription.unsubscribe();
        });
        receiver.subscribe(subject, kept.add(""));
        await receiver.flush();
        for (const text of ["1", "2", "3"]) sender.publish(subject, utf8(text));
        await kept.size(3);
        expect(stopped.texts).toEqual(["1"]);
      });
    });

    describe("request", () => {
      it("brings each request its own answer", async () => {
        const [receiver, sender] = await pair();
        receiver.subscribe(subject, (message) =>
          receiver.publish(message.reply!, utf8(`re ${textOf(message.payload)}`)),
        );
        await receiver.flush();
        const asked = Array.from({ length: 200 }, (_, at) => `${at}`);
        const answers = await Promise.all(asked.map((text) => ask(sender, subject, utf8(text))));
        expect(answers.map(({ text }) => text)).toEqual(asked.map((text) => `re ${text}`));
        expect(answers.every(({ headers }) => headers === undefined)).toBe(true);
      });

      it("takes an answer that is sent long after the handler returned", async () => {
        const [receiver, sender] = await pair();
        const replies: string[] = [];
        const inbox = new Inbox();
        receiver.subscribe(subject, (message) => {
          replies.push(message.reply!);
          inbox.add("")(message);
        });
        await receiver.flush();
        const answer = ask(sender, subject, utf8("wait"));
        await inbox.size(1);
        await receiver.flush();
        receiver.publish(replies[0]!, utf8("now"), { headers: { Kind: "late" } });
        expect(await answer).toMatchObject({ kind: "answer", text: "now", headers: { Kind: "late" } });
      });

      it("calls back once, after it returned, with the first of several answers", async () => {
        const [receiver, sender] = await pair();
        receiver.subscribe(subject, ({ reply }) => {
          receiver.publish(reply!, utf8("first"));
          receiver.publish(reply!, utf8("second"));
        });
        await receiver.flush();
        const results: RequestResult["kind"][] = [];
        let returned = false;
        sender.request(subject, utf8("?"), TIMEOUT, ({ kind }) => {
          expect(returned).toBe(true);
          results.push(kind);
        });
        returned = true;
        await ask(sender, subject, utf8("?"));
        await ask(sender, subject, utf8("?"));
        expect(results).toEqual(["answer"]);
      });

      it("tells for certain when nobody is subscribed", async () => {
        const sender = await connect("sender");
        expect(await ask(sender, `${subject}.nobody`, utf8("?"))).toEqual({ kind: "no-responders" });
        expect(await ask(sender, `${subject}.nobody`, large(broker, 3))).toEqual({ kind: "no-responders" });
      });

      it("gives up after its timeout", async () => {
        const [receiver, sender] = await pair();
        receiver.subscribe(subject, () => {});
        await receiver.flush();
        const results = await Promise.all(
          [60, 20, 40].map((timeoutMs) => ask(sender, subject, utf8("?"), { timeoutMs })),
        );
        expect(results).toEqual(Array(3).fill({ kind: "no-answer", why: "timeout" }));
      });
    });

    describe("serve", () => {
      it("answers on all endpoints, each request by one instance, until it is stopped", async () => {
        const [first, sender] = await pair();
        const second = await connect("second");
        const served = await Promise.all(
          [first, second].map((transport, at) => transport.serve(service(transport, subject, `${at}`))),
        );
        await Promise.all([first.flush(), second.flush()]);
        const answers = await Promise.all(
          Array.from({ length: 60 }, () => ask(sender, `${subject}.echo`, utf8("hello"))),
        );
        expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(["0 echo hello", "1 echo hello"]));
        expect((await ask(sender, `${subject}.shout`, utf8("hello"))).text).toMatch(/^[01] shout hello$/);
        await served[0]!.stop();
        await first.flush();
        expect((await ask(sender, `${subject}.echo`, utf8("again"))).text).toBe("1 echo again");
        await served[1]!.stop();
        await second.flush();
        expect(await ask(sender, `${subject}.echo`, utf8("?"))).toEqual({ kind: "no-responders" });
      });
    });

    describe("payloads above the limit", () => {
      it("arrive whole, in order, with headers and reply", async () => {
        const [receiver, sender] = await pair();
        const received: { bytes: Buffer; reply: string | undefined; headers: unknown }[] = [];
        const inbox = new Inbox();
        for (const pattern of [subject, subject.replace("contract", "*")]) {
          receiver.subscribe(pattern, (message) => {
            received.push({
              bytes: Buffer.from(message.payload),
              reply: message.reply,
              headers: message.headers && { ...message.headers },
            });
            inbox.add("", "")(message);
          });
        }
        await receiver.flush();
        const payload = large(broker, 6);
        const expected = Buffer.from(payload);
        sender.publish(subject, payload, { reply: "back.here", headers: { Kind: "large" } });
        payload.fill(0);
        await inbox.size(2);
        for (const { bytes, reply, headers } of received) {
          expect(bytes.equals(expected)).toBe(true);
          expect({ reply, headers }).toEqual({ reply: "back.here", headers: { Kind: "large" } });
        }
      });

      it("make the round trip of a request, the caller's buffer being reused at once", async () => {
        const [receiver, sender] = await pair();
        receiver.subscribe(subject, ({ reply, payload, headers }) =>
          receiver.publish(reply!, payload, { headers: { Kind: headers!["Kind"]! } }),
        );
        await receiver.flush();
        const payload = large(broker, 6);
        const expected = Buffer.from(payload);
        const answer = ask(sender, subject, payload, { ...TIMEOUT, headers: { Kind: "large" } });
        payload.fill(0);
        const { bytes, headers } = await answer;
        expect(bytes!.equals(expected)).toBe(true);
        expect(headers).toEqual({ Kind: "large" });
      });

      it("reach one member of a queue group whole, many at a time", async () => {
        const [first, sender] = await pair();
        const others = await Promise.all(["second", "third"].map((client) => connect(client)));
        const served = [first, ...others];
        for (const [at, transport] of served.entries())
          await transport.serve(service(transport, subject, `${at}`));
        await Promise.all(served.map((transport) => transport.flush()));
        const payload = large(broker, 3.5);
        const answers = await Promise.all(
          Array.from({ length: 12 }, () => ask(sender, `${subject}.size`, payload)),
        );
        expect(answers.map(({ text }) => text?.slice(2))).toEqual(Array(12).fill(`size ${payload.length}`));
      });
    });

    describe("closing", () => {
      it("ends what waits, refuses what comes, and is harmless twice", async () => {
        const [receiver, sender] = await pair();
        const inbox = new Inbox();
        receiver.subscribe(subject, inbox.add(""));
        await receiver.flush();
        const statuses: string[] = [];
        sender.onStatus((status) => statuses.push(status));
        expect(sender.status).toBe("connected");
        const waiting = ask(sender, subject, utf8("no answer comes"));
        await inbox.size(1);
        await sender[Symbol.asyncDispose]();
        expect(await waiting).toEqual({ kind: "no-answer", why: "closed" });
        expect(sender.publish(subject, utf8("late"))).toBe(false);
        expect(await ask(sender, subject, utf8("late"))).toEqual({ kind: "not-sent" });
        expect(() => sender.subscribe(subject, () => {})).toThrow(TransportClosedError);
        await expect(sender.flush()).rejects.toThrow(TransportClosedError);
        await sender[Symbol.asyncDispose]();
        expect(statuses).toEqual(["closed"]);
        expect(sender.status).toBe("closed");
      });

      it("still sends what was published just before", async () => {
        const [receiver, sender] = await pair();
        const inbox = new Inbox();
        receiver.subscribe(subject, inbox.add(""));
        await receiver.flush();
        sender.publish(subject, utf8("last words"));
        await sender[Symbol.asyncDispose]();
        await inbox.size(1);
        expect(inbox.texts).toEqual(["last words"]);
      });
    });
  });
}

const TIMEOUT: RequestOptions = { timeoutMs: 5000 };

interface Asked {
  readonly kind: RequestResult["kind"];
  readonly text?: string;
  readonly bytes?: Buffer;
  readonly headers?: unknown;
}

/** Copies the answer, which is borrowed. */
function ask(
  transport: Transport,
  subject: string,
  payload: Uint8Array,
  options: RequestOptions = TIMEOUT,
): Promise<Asked> {
  return new Promise((resolve) => {
    transport.request(subject, payload, options, (result) => {
      if (result.kind !== "answer") return resolve(result);
      const bytes = Buffer.from(result.payload);
      const headers = result.headers && { ...result.headers };
      resolve({ kind: "answer", bytes, text: bytes.length < 1000 ? bytes.toString() : "", headers });
    });
  });
}

function service(transport: Transport, subject: string, instance: string) {
  const endpoint = (name: string, answer: (message: InboundMessage) => string) => ({
    name,
    subject: `${subject}.${name}`,
    handler: (message: InboundMessage) =>
      void transport.publish(message.reply!, utf8(`${instance} ${name} ${answer(message)}`)),
  });
  return {
    name: "contract",
    version: "1.2.3",
    description: "answers",
    queue: "instances",
    endpoints: [
      endpoint("echo", ({ payload }) => textOf(payload)),
      endpoint("shout", ({ payload }) => textOf(payload)),
      endpoint("size", ({ payload }) => `${payload.length}`),
    ],
  };
}

function large(broker: TransportContractBroker, times: number): Uint8Array {
  return new Uint8Array(Math.ceil(broker.fragmentBytes * times) + 1).map((_, at) => (at * 31) ^ (at >> 8));
}

/** What handlers got, and a way to wait for more of it. */
class Inbox {
  readonly lines: string[] = [];
  readonly texts: string[] = [];
  #wanted = Infinity;
  #reached: () => void = () => {};

  add(label: string, text?: string): (message: InboundMessage) => void {
    return ({ payload }) => {
      this.texts.push(text ?? textOf(payload));
      this.lines.push(`${label} ${this.texts.at(-1)}`);
      if (this.lines.length >= this.#wanted) this.#reached();
    };
  }

  async size(wanted: number): Promise<void> {
    this.#wanted = wanted;
    if (this.lines.length < wanted) await new Promise<void>((resolve) => (this.#reached = resolve));
  }
}
