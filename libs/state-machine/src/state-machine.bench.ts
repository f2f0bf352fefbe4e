import { utf8 } from "@quorate/base";
import { NO_LEASE } from "@quorate/mvcc";
import { StateMachine } from "./state-machine";
import type { CommittedEntry, StateBatch, StateView } from "./types";

/*
 * What an update costs in the core itself, on a store that costs nothing: run the compiled file with node. The target for
 * a member is 10 microseconds an update in batches of 100, binding and disk included; the core may take half of it.
 */
const KEYS = 10_000;
const BATCH = 100;
const BATCHES = 2_000;

const rows = new Map<string, Uint8Array>();
const nameOf = (key: Uint8Array): string => Buffer.from(key).toString("latin1");
const nothing = { next: () => undefined, seek: () => undefined, [Symbol.dispose]: () => undefined };
const view: StateView = {
  get: (column, key) => (column === "latest" ? rows.get(nameOf(key)) : undefined),
  getMany: (_column, keys) => keys.map((key) => rows.get(nameOf(key))),
  scan: () => nothing,
};
const batch: StateBatch = {
  put: (column, key, value) => void (column === "latest" && rows.set(nameOf(key), value)),
  del: () => undefined,
};

function entry(index: number): CommittedEntry {
  const commands = Array.from({ length: BATCH }, (_none, n) => ({
    kind: "put" as const,
    request: {
      key: utf8(`/registry/pods/default/pod-${(index * BATCH + n) % KEYS}`),
      value: new Uint8Array(256),
      lease: NO_LEASE,
      prevKv: false,
      ignoreValue: false,
      ignoreLease: false,
    },
  }));
  return { index, term: 1, commands };
}

if (require.main === module) {
  const machine = new StateMachine({}, { view });
  let microseconds = 0; // of processor time, so that a busy machine does not count
  for (let index = 1; index <= BATCHES; index += 1) {
    const next = entry(index);
    const start = process.cpuUsage();
    machine.apply([next], batch);
    const { user, system } = process.cpuUsage(start);
    if (index > BATCHES / 2) microseconds += user + system;
  }
  const each = (microseconds * 1000) / (BATCH * (BATCHES / 2));
  process.stdout.write(`${Math.round(each)} ns for an update of 256 bytes, in batches of ${BATCH}\n`);
}
