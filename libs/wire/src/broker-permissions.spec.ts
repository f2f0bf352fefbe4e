import { utf8 } from "@quorate/base";
import { subjectMatches } from "@quorate/transport";
import {
  BROKER_ROLES,
  brokerConduct,
  brokerPermissions,
  type BrokerPermissions,
  type BrokerRole,
  type BrokerUser,
} from "./broker-permissions";
import { parseClusterName, Subjects, type ApiService, type NodeOperation } from "./subjects";

const CLUSTER = parseClusterName("c");
const subjects = new Subjects(CLUSTER);
/** The member that every user here is, if it is one, and another one. */
const [OWN, OTHER] = [0xan, 0xbn];
const GATEWAY = "kv-gateway";
const FANOUT = "watch-fanout";

/** Who may do what with one subject; `subscribe` gives the queue group with which, "none" or "any". */
interface Expected {
  readonly publish?: readonly BrokerRole[];
  readonly subscribe?: Partial<Record<BrokerRole, string>>;
}
type Sample = readonly [subject: string, expected: Expected];

const OPERATIONS: Readonly<Record<NodeOperation, readonly BrokerRole[]>> = {
  propose: ["gateway"],
  read: ["gateway"],
  lease: ["gateway"],
  status: ["gateway", "admin", "backup"],
  maintenance: ["node", "gateway"],
  membership: ["node", "gateway"],
  feed: ["fanout"],
  history: ["fanout"],
  seat: ["fanout"],
  backup: ["backup"],
};

const EVERYBODY = ["client", "admin"] as const;
const METHODS: Readonly<Record<ApiService, readonly (readonly [string, readonly BrokerRole[]])[]>> = {
  kv: [
    ["put", EVERYBODY],
    ["batch", EVERYBODY],
    ["compact", EVERYBODY],
  ],
  lease: [["grant", EVERYBODY]],
  auth: [["authenticate", EVERYBODY]],
  lock: [["lock", EVERYBODY]],
  election: [["campaign", EVERYBODY]],
  watch: [
    ["create", EVERYBODY],
    ["cancel", []],
  ],
  cluster: [
    ["memberlist", EVERYBODY],
    ["memberadd", ["admin"]],
    ["memberremove", ["admin"]],
  ],
  maintenance: [
    ["status", EVERYBODY],
    ["alarm", ["admin"]],
    ["moveleader", ["admin"]],
  ],
};

/** Written apart from the table, from who sends and hears what: a new maker or operation needs its line here as well. */
const SAMPLES: { readonly [Maker in keyof Subjects]: readonly Sample[] } = {
  raft: [
    [subjects.raft(OWN, OTHER), { publish: ["node"] }],
    [subjects.raft(OTHER, OWN), { subscribe: { node: "none" } }],
    [subjects.raft(OTHER, 0xcn), {}],
  ],
  raftFromAny: [
    [subjects.raftFromAny(OWN), { subscribe: { node: "none" } }],
    [subjects.raftFromAny(OTHER), {}],
  ],
  snapshot: [
    [subjects.snapshot(OWN, OTHER), { publish: ["node"] }],
    [subjects.snapshot(OTHER, OWN), { subscribe: { node: "none" } }],
    [subjects.snapshot(OTHER, 0xcn), {}],
  ],
  snapshotFromAny: [
    [subjects.snapshotFromAny(OWN), { subscribe: { node: "none" } }],
    [subjects.snapshotFromAny(OTHER), {}],
  ],
  claim: [
    [subjects.claim(OWN), { publish: ["node"], subscribe: { node: "none" } }],
    [subjects.claim(OTHER), {}],
  ],
  founding: [
    [subjects.founding(OWN), { publish: ["node"], subscribe: { node: "none" } }],
    [subjects.founding(OTHER), { publish: ["node"] }],
  ],
  leader: [
    [
      subjects.leader,
      {
        publish: ["node", "gateway", "fanout"],
        subscribe: { node: "none", gateway: "none", fanout: "none" },
      },
    ],
  ],
  node: Object.entries(OPERATIONS).flatMap(([operation, publish]): Sample[] => [
    [subjects.node(OWN, operation as NodeOperation), { publish, subscribe: { node: "none" } }],
    [subjects.node(OTHER, operation as NodeOperation), { publish }],
  ]),
  feed: [
    [subjects.feed(OWN), { publish: ["node"], subscribe: { fanout: "none" } }],
    [subjects.feed(OTHER), { subscribe: { fanout: "none" } }],
  ],
  watchOpen: [[subjects.watchOpen, { publish: ["gateway"], subscribe: { fanout: FANOUT } }]],
  watchControl: [[subjects.watchControl(7n), { publish: ["gateway"], subscribe: { fanout: "none" } }]],
  watchDelivery: [[subjects.watchDelivery(7n, "0"), { publish: ["fanout"], subscribe: { gateway: "none" } }]],
  watchStream: [[subjects.watchStream(7n), { publish: EVERYBODY, subscribe: { fanout: "none" } }]],
  api: Object.entries(METHODS).flatMap(([service, methods]) =>
    methods.map(([method, publish]): Sample => {
      const served: Expected =
        service !== "watch"
          ? { subscribe: { gateway: GATEWAY } }
          : publish.length > 0
            ? { subscribe: { fanout: FANOUT } }
            : {};
      return [subjects.api(service as ApiService, method), { publish, ...served }];
    }),
  ),
  event: [
    [
      subjects.event("put", utf8("jobs/7"))!,
      { publish: ["fanout"], subscribe: { client: "any", admin: "any" } },
    ],
  ],
  anyEvent: [[subjects.anyEvent, { publish: ["fanout"], subscribe: { client: "any", admin: "any" } }]],
  inbox: [
    [
      `${subjects.inbox("OWN")}.x.r.0`,
      {
        publish: ["node", "gateway", "fanout"],
        subscribe: { gateway: "any", fanout: "any", client: "any", admin: "any", backup: "any" },
      },
    ],
    [`${subjects.inbox("OTHER")}.x.r.0`, { publish: ["node", "gateway", "fanout"] }],
    [`${subjects.inbox("OTHER")}.x.s.0`, { publish: ["node", "gateway", "fanout", "client", "admin"] }],
    ["_INBOX.x.r.0", { publish: ["gateway", "fanout"] }],
  ],
  nodeInbox: [
    [`${subjects.nodeInbox("OWN")}.x.r.0`, { publish: ["node"], subscribe: { node: "none" } }],
    [`${subjects.nodeInbox("OTHER")}.x.r.0`, { publish: ["node"] }],
    [`${subjects.nodeInbox("OTHER")}.x.s.0`, { publish: ["node", "gateway", "fanout", "admin", "backup"] }],
  ],
};

const QUEUES = [GATEWAY, FANOUT, "any"];

function userOf(role: BrokerRole): BrokerUser {
  return { roles: [role], user: "OWN", ...(role === "node" && { member: "a" }) };
}

function mayPublish({ publish }: BrokerPermissions, subject: string): boolean {
  return publish.some((pattern) => subjectMatches(pattern, subject));
}

/** The queue groups with which it may be subscribed to, "none" for none, as a broker reads the permissions. */
function subscribable({ subscribe }: BrokerPermissions, subject: string): string[] {
  const rules = subscribe.filter((one) => subjectMatches(one.subject, subject)).map(({ queue }) => queue);
  return ["none", ...QUEUES].filter((queue) =>
    rules.some((rule) => (rule === "any" ? true : rule === "none" ? queue === "none" : queue === rule.group)),
  );
}

function expectedQueues(given: string | undefined): string[] {
  if (given === undefined) return [];
  return given === "any" ? ["none", ...QUEUES] : [given];
}

describe("brokerPermissions", () => {
  const samples = Object.entries(SAMPLES).flatMap(([maker, of]) =>
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
    return Object.values(SAMPLES).flatMap((of) =>
      of.flatMap(([known]) => (known === subject ? [known] : [])),
    );
  }
});
