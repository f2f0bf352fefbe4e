import {
  ANONYMOUS_INBOX,
  isReplySubject,
  SERVICE_NAME,
  SERVICE_QUEUE,
  Subjects,
  type ApiService,
  type ClusterName,
  type NodeOperation,
} from "./subjects";

/** What a user of the broker is. One process may be several: `quorate member` is a node, a gateway and a fan-out. */
export type BrokerRole = (typeof BROKER_ROLES)[number];

export const BROKER_ROLES = ["node", "gateway", "fanout", "client", "admin", "backup"] as const;

/** For whom permissions are. */
export interface BrokerUser {
  readonly roles: readonly BrokerRole[];
  /** Token of its inboxes; `undefined`: all who log in as nobody share {@link ANONYMOUS_INBOX}. */
  readonly user: string | undefined;
  /** Of a node: its id as subjects have it. `*`: whichever, for one that runs its broker itself and so binds nobody. */
  readonly member?: string;
}

/** What a user may do, in subjects with wildcards; everything else is denied. */
export interface BrokerPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly SubscribePermission[];
}

export interface SubscribePermission {
  readonly subject: string;
  readonly queue: QueueRule;
}

/** How it may be subscribed to: alone, as a member of this queue group only, or either way. */
export type QueueRule = "none" | { readonly group: string } | "any";

interface Place {
  /** Beginning of what only services use. */
  readonly q: string;
  /** Beginning of what applications use, too. */
  readonly open: string;
  /** The id of the member; `*` stands for it where there is none. */
  readonly self: string;
  readonly user: string | undefined;
}

interface Grant {
  readonly roles: readonly BrokerRole[];
  readonly subject: string;
  /** `undefined`: to publish. */
  readonly queue: QueueRule | undefined;
}

const ASKERS = ["gateway", "fanout"] as const;
/** Who has the public API; what only operators have of it stands with its service. */
const APPLICATIONS = ["client", "admin"] as const;

/** Who asks nodes for what. `admin` and `backup` see to members one by one. */
const NODE_OPERATIONS: Readonly<Record<NodeOperation, readonly BrokerRole[]>> = {
  propose: ["gateway"],
  read: ["gateway"],
  lease: ["gateway"],
  status: ["gateway", "admin", "backup"],
  /** Nodes compare their hashes. */
  maintenance: ["gateway", "node"],
  /** Nodes have the leader write down what they are called. */
  membership: ["gateway", "node"],
  feed: ["fanout"],
  history: ["fanout"],
  seat: ["fanout"],
  /** Gateways make an etcd snapshot of it. */
  backup: ["gateway", "backup"],
};

/** What of each service applications may call; `*`: everything. Operators may call all. */
const API_METHODS: Readonly<Record<ApiService, { readonly client: readonly string[]; readonly by: Server }>> =
  {
    kv: { client: ["*"], by: "gateway" },
    lease: { client: ["*"], by: "gateway" },
    auth: { client: ["*"], by: "gateway" },
    lock: { client: ["*"], by: "gateway" },
    election: { client: ["*"], by: "gateway" },
    cluster: { client: ["memberlist"], by: "gateway" },
    maintenance: { client: ["status"], by: "gateway" },
    watch: { client: ["create"], by: "fanout" },
  };

type Server = keyof typeof SERVICE_QUEUE;

/**
 * Who may do what on the broker: for each maker of subjects those that it makes. A new one needs a row here, or this does not
 * compile; the specs hold the rows against the subjects.
 */
const GRANTS: { readonly [Maker in keyof Subjects]: (place: Place) => readonly Grant[] } = {
  raft: ({ q, self }) => [publish(["node"], `${q}.raft.${self}.*`)],
  raftFromAny: ({ q, self }) => [subscribe(["node"], `${q}.raft.*.${self}`)],
  snapshot: ({ q, self }) => [publish(["node"], `${q}.snap.${self}.*`)],
  snapshotFromAny: ({ q, self }) => [subscribe(["node"], `${q}.snap.*.${self}`)],
  claim: ({ q, self }) => [
    publish(["node"], `${q}.claim.${self}`),
    subscribe(["node"], `${q}.claim.${self}`),
  ],
  founding: ({ q, self }) => [
    publish(["node"], `${q}.founding.*`),
    subscribe(["node"], `${q}.founding.${self}`),
  ],
  // An empty message asks who leads, so whoever may ask could also say something: it would cost a detour, never a write.
  leader: ({ q }) => [
    publish(["node", ...ASKERS], `${q}.leader`),
    subscribe(["node", ...ASKERS], `${q}.leader`),
  ],
  node: ({ q, self }) =>
    entriesOf(NODE_OPERATIONS).flatMap(([operation, askers]) => [
      subscribe(["node"], `${q}.node.${self}.${operation}`),
      publish(askers, `${q}.node.*.${operation}`),
    ]),
  feed: ({ q, self }) => [publish(["node"], `${q}.feed.${self}`), subscribe(["fanout"], `${q}.feed.*`)],
  watchOpen: ({ q }) => [
    publish(["gateway"], `${q}.watch.open`),
    subscribe(["fanout"], `${q}.watch.open`, { group: SERVICE_QUEUE.fanout }),
  ],
  watchControl: ({ q }) => [
    publish(["gateway"], `${q}.watch.stream.*`),
    subscribe(["fanout"], `${q}.watch.stream.*`),
  ],
  watchDelivery: ({ q }) => [
    publish(["fanout"], `${q}.watch.to.*.*`),
    subscribe(["gateway"], `${q}.watch.to.*.*`),
  ],
  watchStream: ({ open }) => [
    publish(APPLICATIONS, `${open}.watch.stream.*`),
    subscribe(["fanout"], `${open}.watch.stream.*`),
  ],
  api: ({ open }) =>
    entriesOf(API_METHODS).flatMap(([service, { client, by }]) => [
      ...client.map((method) => publish(["client"], `${open}.${service}.${method}`)),
      publish(["admin"], `${open}.${service}.${by === "gateway" ? "*" : "create"}`),
      subscribe([by], `${open}.${service}.${by === "gateway" ? "*" : "create"}`, {
        group: SERVICE_QUEUE[by],
      }),
    ]),
  event: ({ open }) => [publish(["fanout"], `${open}.event.>`)],
  anyEvent: ({ open }) => [subscribe(APPLICATIONS, `${open}.event.>`, "any")],
  // The token before the last says what comes there: `r` answers, `s` the parts of a large request that was accepted.
  inbox: ({ open, user }) => [
    subscribe(
      [...ASKERS, ...APPLICATIONS, "backup"],
      `${user === undefined ? ANONYMOUS_INBOX : `${open}.inbox.${user}`}.>`,
      "any",
    ),
    publish(["node", ...ASKERS], `${open}.inbox.>`),
    publish(ASKERS, `${ANONYMOUS_INBOX}.>`),
    publish(APPLICATIONS, `${open}.inbox.*.*.s.*`),
  ],
  nodeInbox: ({ q, user }) => [
    ...(user === undefined ? [] : [subscribe(["node"], `${q}.inbox.${user}.>`)]),
    publish(["node"], `${q}.inbox.>`),
    publish([...ASKERS, "admin", "backup"], `${q}.inbox.*.*.s.*`),
  ],
};

/** The broker's service discovery, which the `nats` package subscribes to for each service. */
const DISCOVERY: readonly Grant[] = [
  ...entriesOf(SERVICE_NAME).flatMap(([role, name]) =>
    ["PING", "INFO", "STATS"].flatMap((verb) =>
      [verb, `${verb}.${name}`, `${verb}.${name}.*`].flatMap((suffix) => [
        subscribe([role], `$SRV.${suffix}`),
        publish(APPLICATIONS, `$SRV.${suffix}`),
      ]),
    ),
  ),
];

/** Everything that `of` must be able to do in the cluster, and nothing else. Sorted, without doubles. */
export function brokerPermissions(cluster: ClusterName, of: BrokerUser): BrokerPermissions {
  const place: Place = {
    q: `q.${cluster}`,
    open: `quorate.${cluster}`,
    self: of.member ?? "*",
    user: of.user,
  };
  const granted = [...Object.values(GRANTS).flatMap((grants) => grants(place)), ...DISCOVERY].filter(
    ({ roles }) => roles.some((role) => of.roles.includes(role)),
  );
  const publishing = granted.flatMap(({ subject, queue }) => (queue === undefined ? [subject] : []));
  const subscribing = new Map(
    granted.flatMap(({ subject, queue }) =>
      queue === undefined ? [] : [[subject, { subject, queue }] as const],
    ),
  );
  return {
    publish: [...new Set(publishing)].sort(),
    subscribe: [...subscribing.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1)),
  };
}

/** How a connection to the broker behaves as this user: what the adapter is told beside where the broker is. */
export interface BrokerConduct {
  readonly inboxPrefix: string;
  readonly acceptsReply: (reply: string) => boolean;
  readonly needs: {
    readonly publish: readonly string[];
    readonly subscribe: readonly string[];
    readonly probes: readonly string[];
  };
}

export function brokerConduct(cluster: ClusterName, of: BrokerUser): BrokerConduct {
  const { publish: publishing, subscribe: subscribing } = brokerPermissions(cluster, of);
  const subjects = new Subjects(cluster);
  const isNode = of.roles.includes("node");
  return {
    inboxPrefix:
      of.user === undefined
        ? ANONYMOUS_INBOX
        : isNode
          ? subjects.nodeInbox(of.user)
          : subjects.inbox(of.user),
    acceptsReply: isReplySubject,
    needs: {
      publish: publishing,
      subscribe: subscribing.map(({ subject }) => subject),
      probes: probesOf(publishing),
    },
  };
}

/**
 * For each pattern a subject that matches it and that nobody listens to: no id is 0. Literal subjects are somebody's, and
 * subscribers of events hear whatever matches.
 */
function probesOf(patterns: readonly string[]): string[] {
  return patterns
    .filter((pattern) => /[*>]/.test(pattern) && !pattern.includes(".event."))
    .map((pattern) => pattern.replaceAll(/[*>]/g, "0"));
}

function publish(roles: readonly BrokerRole[], subject: string): Grant {
  return { roles, subject, queue: undefined };
}

function subscribe(roles: readonly BrokerRole[], subject: string, queue: QueueRule = "none"): Grant {
  return { roles, subject, queue };
}

function entriesOf<K extends string, V>(of: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(of) as [K, V][];
}
