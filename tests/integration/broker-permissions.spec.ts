import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startNatsServer, type NatsServer } from "@quorate/testing";
import type { BrokerRole } from "@quorate/wire";

import {
  expectedQueues,
  SAMPLE_CLUSTER,
  SAMPLE_LOGIN,
  SAMPLE_MEMBER,
  SAMPLE_QUEUES,
  SUBJECT_SAMPLES,
} from "../../libs/wire/src/testing/subject-samples";
import { BrokerProbe, PLAIN, textOf, type Attempt } from "../harness/broker-probe";
import { run } from "../harness/child-process";
import { nodeExecutable, serviceMain } from "../harness/repository";
import { temporaryFolder, type TemporaryFolder } from "../harness/temporary-folder";

/** A key's beginning, which stands for its user in inboxes. */
const LOGIN = /nkey: "(U\w{15})\w{40}"/;

const USERS: Readonly<Record<BrokerRole, readonly [flag: string, value: string]>> = {
  node: ["--nodes", `x=${SAMPLE_MEMBER}`],
  gateway: ["--gateways", "x"],
  fanout: ["--fanouts", "x"],
  client: ["--clients", "x"],
  admin: ["--admins", "x"],
  backup: ["--backups", "x"],
};

/** What nobody may hear, whoever he is: with any of them he would hear what others are told. */
const WIDE = [
  ...[">", "*.>", "q.>", "q.c.>", "q.*.>", "q.c.*", "q.c.*.*", "q.c.*.*.*", "*.c.raft.>", "*.*.raft.*.*"],
  ...["q.c.raft.>", "q.c.snap.>", "q.c.claim.>", "q.c.node.>", "q.c.inbox.>", "quorate.>", "quorate.c.>"],
  ...[
    "quorate.c.*.*",
    "quorate.c.inbox.>",
    "quorate.c.inbox.*.*.*.*",
    "_INBOX.>",
    "_INBOX.*.*",
    "$SYS.>",
    "$JS.API.>",
  ],
];

// Goal: a broker with the configuration that we write lets everybody do what he must, and nothing else. Method: every sample of every
// kind of subject is tried by a user of every role, to publish, to subscribe to, and in queue groups, on a real broker.
describe("a broker with the users of quorate broker-config", () => {
  let folder: TemporaryFolder;
  let server: NatsServer;
  let text: string;

  beforeAll(async () => {
    folder = await temporaryFolder("permissions");
    const flags = Object.values(USERS).flat();
    const { exitCode, stderr } = await run(
      nodeExecutable,
      [
        serviceMain("quorate"),
        "broker-config",
        "--cluster",
        SAMPLE_CLUSTER,
        "--out",
        folder.path,
        "--any-client",
        ...flags,
      ],
      { timeoutMs: 20_000 },
    );
    expect([exitCode, stderr]).toEqual([0, ""]);
    text = readFileSync(join(folder.path, "permissions.conf"), "utf8");
    server = await startNatsServer({ config: text });
  }, 30_000);

  afterAll(async () => {
    await server?.stop();
    await folder?.[Symbol.asyncDispose]();
  });

  const samples = Object.values(SUBJECT_SAMPLES).flat();

  /** Each sample in each way, with whether this role may. */
  function attemptsOf(role: BrokerRole, login: string): (readonly [Attempt, isAllowed: boolean])[] {
    return samples.flatMap(([sample, { publish = [], subscribe = {} }]) => {
      const subject = sample.replace(`.inbox.${SAMPLE_LOGIN}.`, `.inbox.${login}.`);
      const queues = expectedQueues(subscribe[role]);
      const isPattern = /[*>]/.test(subject);
      return [
        ...(isPattern ? [] : [[{ operation: "publish", subject }, publish.includes(role)] as const]),
        ...[PLAIN, ...SAMPLE_QUEUES].map(
          (queue) => [{ operation: "subscribe", subject, queue }, queues.includes(queue)] as const,
        ),
      ];
    });
  }

  function loginOf(role: BrokerRole): string {
    return LOGIN.exec(text.slice(text.indexOf(`# ${role}-x:`)))![1]!;
  }

  it.each(Object.keys(USERS) as BrokerRole[])("lets a %s do what it must, and nothing else", async (role) => {
    await using user = await BrokerProbe.connect(
      server.url,
      join(folder.path, "credentials", `${role}-x.nkey`),
    );
    const attempts = attemptsOf(role, loginOf(role));
    const denied = await user.denied(attempts.map(([attempt]) => attempt));
    expect(denied).toEqual(
      attempts.filter(([, isAllowed]) => !isAllowed).map(([attempt]) => textOf(attempt)),
    );
    expect(attempts.filter(([, isAllowed]) => isAllowed).length).toBeGreaterThan(0);
    await expectNothingWide(user);
  });

  it("treats whoever has no credentials as a client, whose inbox is not his own", async () => {
    await using nobody = await BrokerProbe.connect(server.url);
    const attempts = attemptsOf("client", "OTHER").filter(
      ([{ subject }]) => !/^(?:quorate\.c\.inbox|_INBOX)\./.test(subject),
    );
    const denied = await nobody.denied(attempts.map(([attempt]) => attempt));
    expect(denied).toEqual(
      attempts.filter(([, isAllowed]) => !isAllowed).map(([attempt]) => textOf(attempt)),
    );
    const inboxes: Attempt[] = ["_INBOX.x.r.0", "quorate.c.inbox.OTHER.x.r.0"].map((subject) => {
      return { operation: "subscribe", subject, queue: PLAIN };
    });
    expect(await nobody.denied(inboxes)).toEqual(["subscribe quorate.c.inbox.OTHER.x.r.0 in queue none"]);
  });

  async function expectNothingWide(user: BrokerProbe): Promise<void> {
    const wide = WIDE.flatMap((subject): Attempt[] =>
      [PLAIN, ...SAMPLE_QUEUES].map((queue) => ({ operation: "subscribe", subject, queue })),
    );
    expect(await user.denied(wide)).toEqual(wide.map(textOf));
  }
});
