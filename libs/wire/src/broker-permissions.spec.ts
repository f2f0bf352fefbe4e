import { subjectMatches } from "@quorate/transport";
import {
  BROKER_ROLES,
  brokerConduct,
  brokerPermissions,
  type BrokerPermissions,
  type BrokerRole,
  type BrokerUser,
} from "./broker-permissions";
import {
  expectedQueues,
  SAMPLE_CLUSTER,
  SAMPLE_LOGIN,
  SAMPLE_MEMBER,
  SAMPLE_QUEUES,
  SUBJECT_SAMPLES,
} from "./testing/subject-samples";

const CLUSTER = SAMPLE_CLUSTER;

function userOf(role: BrokerRole): BrokerUser {
  return { roles: [role], user: SAMPLE_LOGIN, ...(role === "node" && { member: SAMPLE_MEMBER }) };
}

function mayPublish({ publish }: BrokerPermissions, subject: string): boolean {
  return publish.some((pattern) => subjectMatches(pattern, subject));
}

/** The queue groups with which it may be subscribed to, "none" for none, as a broker reads the permissions. */
function subscribable({ subscribe }: BrokerPermissions, subject: string): string[] {
  const rules = subscribe.filter((one) => subjectMatches(one.subject, subject)).map(({ queue }) => queue);
  return ["none", ...SAMPLE_QUEUES].filter((queue) =>
    rules.some((rule) => (rule === "any" ? true : rule === "none" ? queue === "none" : queue === rule.group)),
  );
}

describe("brokerPermissions", () => {
  const samples = Object.entries(SUBJECT_SAMPLES).flatMap(([maker, of]) =>
    of.map(([subject, expected]) => ({ maker, subject, expected })),
  );

  it.each(samples)(
    "lets on $subject, of $maker, those who need it, and nobody else",
    ({ subject, expected }) => {
      for (const role of BROKER_ROLES) {
        const permissions = brokerPermissions(CLUSTER, userOf(role));
        const found = [role, mayPublish(permissions, subject), subscribable(permissions, subject)];
        const publishes = expected.publish?.includes(role) ?? false;
        expect(found).toEqual([role, publishes, expectedQueues(expected.subscribe?.[role])]);
      }
    },
  );

  it("has a reason for every pattern: none covers nothing that somebody needs", () => {
    const covered = (patterns: readonly string[]): string[] =>
      patterns.filter((pattern) => !samples.some(({ subject }) => subjectMatches(pattern, subject)));
    for (const role of BROKER_ROLES) {
      const { publish, subscribe } = brokerPermissions(CLUSTER, userOf(role));
      const useless = covered([...publish, ...subscribe.map(({ subject }) => subject)]);
      expect(useless.filter((pattern) => !pattern.startsWith("$SRV."))).toEqual([]);
    }
  });

  it("gives nobody a whole tree but events and inboxes, and nobody the inboxes of others", () => {
    for (const role of BROKER_ROLES) {
      const { publish, subscribe } = brokerPermissions(CLUSTER, userOf(role));
      const heard = subscribe.map(({ subject }) => subject);
      for (const pattern of [...publish, ...heard].filter((one) => one.endsWith(">")))
        expect(pattern).toMatch(/^(?:quorate\.c\.event|(?:quorate|q)\.c\.inbox(?:\.OWN)?|_INBOX)\.>$/);
      expect(heard.filter((pattern) => pattern.includes("_INBOX"))).toEqual([]);
      expect(heard.filter((pattern) => pattern.includes(".inbox."))).toEqual([
        role === "node" ? "q.c.inbox.OWN.>" : "quorate.c.inbox.OWN.>",
      ]);
    }
  });

  it("gives those without credentials what clients have, with the inboxes that they all share", () => {
    const anyone = brokerPermissions(CLUSTER, { roles: ["client"], user: undefined });
    const client = brokerPermissions(CLUSTER, userOf("client"));
    expect(anyone.publish).toEqual(client.publish);
    expect(anyone.subscribe.map(({ subject }) => subject)).toEqual(["_INBOX.>", "quorate.c.event.>"]);
  });

  it("gives a process of several roles what each of them has", () => {
    const both = brokerPermissions(CLUSTER, { ...userOf("node"), roles: ["node", "gateway"] });
    for (const role of ["node", "gateway"] as const)
      expect(both.publish).toEqual(
        expect.arrayContaining([...brokerPermissions(CLUSTER, userOf(role)).publish]),
      );
  });
});

describe("brokerConduct", () => {
  it("puts inboxes where the broker lets this user receive", () => {
    for (const role of BROKER_ROLES) {
      const { inboxPrefix } = brokerConduct(CLUSTER, userOf(role));
      const heard = subscribable(brokerPermissions(CLUSTER, userOf(role)), `${inboxPrefix}.x.r.0`);
      expect(heard).toContain("none");
    }
    expect(brokerConduct(CLUSTER, { roles: ["client"], user: undefined }).inboxPrefix).toBe("_INBOX");
  });

  it("probes what it may publish, where nobody is", () => {
    const permissions = brokerPermissions(CLUSTER, userOf("node"));
    const { probes } = brokerConduct(CLUSTER, userOf("node")).needs;
    expect(probes).toContain("q.c.raft.a.0");
    for (const probe of probes) {
      expect(mayPublish(permissions, probe)).toBe(true);
      expect(samples(probe)).toEqual([]);
    }
    expect(brokerConduct(CLUSTER, userOf("fanout")).needs.probes.join()).not.toContain("event");
  });

  function samples(subject: string): string[] {
    return Object.values(SUBJECT_SAMPLES).flatMap((of) =>
      of.flatMap(([known]) => (known === subject ? [known] : [])),
    );
  }
});
