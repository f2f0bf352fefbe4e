import { utf8 } from "@quorate/base";
import type { BrokerRole } from "../broker-permissions";
import { parseClusterName, Subjects, type ApiService, type NodeOperation } from "../subjects";

/** Of the cluster whose subjects these are. */
export const SAMPLE_CLUSTER = parseClusterName("c");
const subjects = new Subjects(SAMPLE_CLUSTER);
/** The member that every user here is, if it is one, and another one. */
export const SAMPLE_MEMBER = "a";
const [OWN, OTHER] = [0xan, 0xbn];
/** Stands in inboxes for the user itself, and for another one. */
export const SAMPLE_LOGIN = "OWN";
const GATEWAY = "kv-gateway";
const FANOUT = "watch-fanout";

/** Who may do what with one subject; `subscribe` gives the queue group with which, "none" or "any". */
export interface ExpectedPermission {
  readonly publish?: readonly BrokerRole[];
  readonly subscribe?: Partial<Record<BrokerRole, string>>;
}
export type SubjectSample = readonly [subject: string, expected: ExpectedPermission];

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
  backup: ["gateway", "backup"],
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
export const SUBJECT_SAMPLES: { readonly [Maker in keyof Subjects]: readonly SubjectSample[] } = {
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
  node: Object.entries(OPERATIONS).flatMap(([operation, publish]): SubjectSample[] => [
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
    methods.map(([method, publish]): SubjectSample => {
      const served: ExpectedPermission =
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
      `${subjects.inbox(SAMPLE_LOGIN)}.x.r.0`,
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
    [`${subjects.nodeInbox(SAMPLE_LOGIN)}.x.r.0`, { publish: ["node"], subscribe: { node: "none" } }],
    [`${subjects.nodeInbox("OTHER")}.x.r.0`, { publish: ["node"] }],
    [`${subjects.nodeInbox("OTHER")}.x.s.0`, { publish: ["node", "gateway", "fanout", "admin", "backup"] }],
  ],
};

/** The queue groups that samples are tried with, beside none. */
export const SAMPLE_QUEUES: readonly string[] = [GATEWAY, FANOUT, "any.other"];

/** Those of them, and "none" for none, with which a sample says that it may be subscribed to. */
export function expectedQueues(given: string | undefined): string[] {
  if (given === undefined) return [];
  return given === "any" ? ["none", ...SAMPLE_QUEUES] : [given];
}
