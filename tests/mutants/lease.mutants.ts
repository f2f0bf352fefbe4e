import type { Mutant } from "./mutant";

const LEASE = ["simulation", "unit:lease", "unit:raft-node/lessor"] as const;

/** Planted bugs in the life of leases. */
export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: "lease-expires-at-half",
    breaks: "a lease lives for its TTL",
    file: "libs/lease/src/lessor.ts",
    find: "this.#add(record, now + record.ttlSeconds * 1000, now);",
    replace: "this.#add(record, now + record.ttlSeconds * 500, now);",
    suites: LEASE,
  },
  {
    name: "lease-renewal-forgotten",
    breaks: "a renewal that was confirmed begins the TTL anew",
    file: "libs/lease/src/lessor.ts",
    find: "lease.deadline = Math.max(lease.deadline, now + lease.ttlSeconds * 1000);",
    replace: "",
    suites: LEASE,
  },
  {
    name: "lease-not-refreshed-by-new-leader",
    breaks: "a new leader gives every lease its full time and an election timeout",
    file: "libs/lease/src/lessor.ts",
    find: "ordered.map((record) => refreshed + rest(record) * 1000),",
    replace: "ordered.map((record) => refreshed + rest(record) * 100),",
    suites: LEASE,
  },
  {
    name: "lease-never-ends",
    breaks: "a lease that nobody renews ends",
    file: "libs/lease/src/lessor.ts",
    find: "else expired.push(lease);",
    replace: "else if (lease.id % 7n !== 0n) expired.push(lease);",
    suites: LEASE,
  },
  {
    name: "unacknowledged-keepalive-late",
    breaks: "a renewal is confirmed within an election timeout of its arrival or not at all",
    file: "services/raft-node/src/actors/lessor-actor.ts",
    find: "return this.dependencies.clock.now() - since <= this.options.electionTimeoutMs;",
    replace: "return true;",
    suites: LEASE,
  },
  {
    name: "keepalive-by-deposed-leader",
    breaks: "a leader confirms a renewal only after a quorum has confirmed that it leads",
    file: "services/raft-node/src/actors/raft-actor.ts",
    find: 'raft.step({ kind: "read-index", id: this.#reads.openConfirmation(settled) });',
    replace: "settled(status.commit);",
    suites: ["simulation", "unit:raft-node/raft-actor"],
  },
  {
    name: "expiry-without-term",
    breaks: "an expiry that another leader has left behind does nothing",
    file: "libs/state-machine/src/lease-commands.ts",
    find: "const expired = term === store.entry.term && record?.sequence === sequence;",
    replace: "const expired = record?.sequence === sequence;",
    suites: ["simulation", "unit:state-machine/lease-commands"],
  },
  {
    name: "expiry-of-another-grant",
    breaks: "an expiry ends the lease that it means, not a later one of that id",
    file: "libs/state-machine/src/lease-commands.ts",
    find: "const expired = term === store.entry.term && record?.sequence === sequence;",
    replace: "const expired = term === store.entry.term && record !== undefined;",
    suites: ["simulation", "unit:state-machine/lease-commands"],
  },
  {
    name: "checkpoints-lost",
    breaks: "a new leader goes by what was noted of the rest of a long lease",
    file: "libs/state-machine/src/lease-commands.ts",
    find: "if (record?.sequence === sequence) leases.checkpoint(record, remainingSeconds);",
    replace: "if (record?.sequence === sequence) leases.checkpoint(record, 0);",
    suites: ["unit:state-machine/lease-commands", "simulation"],
  },
  {
    name: "renewal-before-checkpoint-is-taken-back",
    breaks: "a renewal is confirmed only when no checkpoint can shorten it any more",
    file: "services/raft-node/src/actors/lessor-actor.ts",
    find: "if (lease.checkpointed) return this.#resetFirst(waiter, lease, now);",
    replace: "",
    suites: ["unit:raft-node/lessor", "simulation"],
  },
  {
    name: "lease-keys-in-many-revisions",
    breaks: "the keys of a lease vanish at one revision",
    file: "libs/state-machine/src/lease-commands.ts",
    find: "for (const key of keys) session.deleteRange({ key, rangeEnd: undefined, prevKv: false });",
    replace:
      "for (const key of keys) {\n    session.deleteRange({ key, rangeEnd: undefined, prevKv: false });\n    session.end();\n  }",
    suites: ["simulation", "unit:state-machine/lease-commands"],
  },
  {
    name: "lease-deadlines-survive-leadership",
    breaks: "a leader that stops leading forgets all deadlines",
    file: "services/raft-node/src/actors/lessor-actor.ts",
    find: "    this.#lessor.demote();\n",
    replace: "",
    suites: LEASE,
  },
];
