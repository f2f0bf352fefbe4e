import { connect, type NatsConnection } from "nats";
import { EtcdClient } from "../harness/etcd-client";
import { eventually } from "../harness/eventually";
import { leaderOf } from "../harness/member-states";
import { QuorateCluster } from "../harness/quorate-cluster";
import { WriteLoad } from "./write-load";

const recoveryMaxMs = 30_000;

interface Heard {
  readonly subject: string;
  readonly text: string;
  readonly revision: number;
}

/** What a plain subscriber of the broker hears, in order. */
class PlainSubscriber implements AsyncDisposable {
  readonly heard: Heard[] = [];
  readonly headers: ReadonlyMap<string, string>[] = [];

  private constructor(private readonly connection: NatsConnection) {}

  static async start(brokerUrl: string, subject: string): Promise<PlainSubscriber> {
    const connection = await connect({ servers: brokerUrl, name: "tests", maxReconnectAttempts: -1 });
    const subscriber = new PlainSubscriber(connection);
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        const revision = Number(message.headers?.get("Quorate-Revision"));
        subscriber.heard.push({ subject: message.subject, text: message.string(), revision });
        subscriber.headers.push(
          new Map((message.headers?.keys() ?? []).map((name) => [name, message.headers?.get(name) ?? ""])),
        );
      },
    });
    await connection.flush();
    return subscriber;
  }

  get revisions(): number[] {
    return this.heard.map(({ revision }) => revision);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

/** 1, 2, 3, … from the first to the last, whatever else came twice in between. */
function withoutRepeats(revisions: readonly number[]): number[] {
  return [...new Set(revisions)].sort((a, b) => a - b);
}

function countingFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

// Goal: whoever can only subscribe to a subject hears every change. Method: a plain connection without any of our code.
describe("event subjects", () => {
  let cluster: QuorateCluster;
  let client: EtcdClient;

  beforeAll(async () => {
    cluster = await QuorateCluster.start({ members: 3, fanouts: 2, eventSubjects: "on" });
    client = new EtcdClient({ address: cluster.address() });
    await untilPublished();
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  }, 30_000);

  /** Until some fan-out publishes. */
  async function untilPublished(): Promise<void> {
    await using probe = await PlainSubscriber.start(
      cluster.brokerUrl,
      `quorate.${cluster.name}.event.*.probe`,
    );
    await eventually("a change to be published", { withinMs: recoveryMaxMs }, async () => {
      await client.put({ key: Buffer.from("probe") }, 2000);
      return probe.heard.length > 0;
    });
  }

  it("are a watch on a part of the keys, with values as payloads and revisions as headers", async () => {
    await using subscriber = await PlainSubscriber.start(
      cluster.brokerUrl,
      `quorate.${cluster.name}.event.*.%.registry.pods.>`,
    );
    const { header } = await client.put({
      key: Buffer.from("/registry/pods/a/x"),
      value: Buffer.from("one"),
    });
    const first = Number(header?.revision);
    await client.put({ key: Buffer.from("/registry/nodes/n"), value: Buffer.from("no pod") });
    await client.put({ key: Buffer.from("/registry/pods/a/x"), value: Buffer.from("two") });
    await client.deleteRange({
      key: Buffer.from("/registry/pods/"),
      rangeEnd: Buffer.from("/registry/pods0"),
    });
    await eventually("the deletion", { withinMs: 10_000 }, () => subscriber.heard.length >= 3);
    const events = `quorate.${cluster.name}.event`;
    expect(subscriber.heard).toEqual([
      { subject: `${events}.put.%.registry.pods.a.x`, text: "one", revision: first },
      { subject: `${events}.put.%.registry.pods.a.x`, text: "two", revision: first + 2 },
      { subject: `${events}.delete.%.registry.pods.a.x`, text: "", revision: first + 3 },
    ]);
    expect([...subscriber.headers[1]!]).toEqual([
      ["Quorate-Revision", `${first + 2}`],
      ["Quorate-Create-Revision", `${first}`],
      ["Quorate-Version", "2"],
    ]);
  });

  it("carry each change once and in order in calm times, although there are two fan-outs", async () => {
    await using subscriber = await PlainSubscriber.start(
      cluster.brokerUrl,
      `quorate.${cluster.name}.event.>`,
    );
    const load = new WriteLoad({ prefix: "calm/", writers: 16 }, client);
    await load.untilAcknowledged(1000, recoveryMaxMs);
    await load.stop();
    const last = Math.max(...load.acknowledged.map(({ revision }) => revision));
    await eventually("the last change", { withinMs: 10_000 }, () => subscriber.revisions.includes(last));
    expect(subscriber.revisions).toEqual(countingFrom(subscriber.revisions[0]!, subscriber.heard.length));
  });

  /** Every change is heard although `fault` happens, and in order but for what a new publisher repeats. */
  async function surviving(name: string, fault: () => Promise<void>): Promise<void> {
    await using subscriber = await PlainSubscriber.start(
      cluster.brokerUrl,
      `quorate.${cluster.name}.event.>`,
    );
    const load = new WriteLoad({ prefix: `${name}/`, writers: 8 }, client);
    await load.untilAcknowledged(200, recoveryMaxMs);
    await fault();
    await load.untilAcknowledged(200, recoveryMaxMs);
    await load.stop();
    const last = Math.max(...load.acknowledged.map(({ revision }) => revision));
    await eventually("the last change", { withinMs: recoveryMaxMs }, () =>
      subscriber.revisions.includes(last),
    );
    const { revisions } = subscriber;
    const heard = withoutRepeats(revisions);
    expect(heard).toEqual(countingFrom(heard[0]!, heard.length));
    const steps = revisions.slice(1).filter((revision, at) => revision < revisions[at]!);
    process.stderr.write(
      `${name}: ${heard.length} changes, ${revisions.length - heard.length} repeated, ${steps.length} times back\n`,
    );
    expect(steps.length).toBeLessThanOrEqual(2);
  }

  it("go on without a gap when the leader is killed", async () => {
    const leader = await leaderOf(cluster, recoveryMaxMs);
    await surviving("leader", () => cluster.tell("kill", leader));
    await cluster.tell("start", leader);
  }, 60_000);

  it.each(["fanout1", "fanout2"])(
    "go on without a gap when %s is killed, whichever of them publishes",
    async (name) => {
      await surviving(name, () => cluster.tell("kill", name));
      await cluster.tell("start", name);
      await untilPublished();
    },
    60_000,
  );
});
