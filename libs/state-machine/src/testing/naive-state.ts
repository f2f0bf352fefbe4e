import type { LeaseId, LeaseRecord } from "@quorate/lease";
import type { Event, KeyValue, Revision, TxnRequest } from "@quorate/mvcc";
import { NaiveStore } from "../../../mvcc/src/testing/naive-store";
import { deleteRequest, rangeRequest, txnRequest } from "../../../mvcc/src/testing/requests";
import type {
  Alarm,
  AlarmRequest,
  Command,
  CommandOutcome,
  CommittedEntry,
  LeaseChange,
  ReadCommand,
  ReadOutcome,
} from "../types";

const EVERYTHING = rangeRequest(Uint8Array.of(0), Uint8Array.of(0));

/**
 * The state machine's semantics with no cleverness: leases are a list, and which keys are attached to one is found by
 * looking at every key. Ending a lease is a transaction of deletes.
 */
export class NaiveState {
  readonly #store = new NaiveStore();
  #leases: LeaseRecord[] = [];
  #changes: LeaseChange[] = [];
  #alarms: Alarm[] = [];

  get revision(): number {
    return this.#store.revision;
  }

  get compactRevision(): number {
    return this.#store.compactRevision;
  }

  eventsFrom(from: number): Event[] {
    return this.#store.eventsFrom(from);
  }

  alarms(): readonly Alarm[] {
    const rank = ({ type, memberId }: Alarm): string =>
      `${type === "no-space" ? 1 : 2} ${memberId.toString(16).padStart(16, "0")}`;
    return [...this.#alarms].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }

  records(): readonly LeaseRecord[] {
    return this.#leases;
  }

  /** 0, which no lease has, if there is none. */
  sequenceOf(id: LeaseId): number {
    return this.#find(id)?.sequence ?? 0;
  }

  keysOf(id: LeaseId): Uint8Array[] {
    return this.#everything()
      .filter(({ lease }) => lease === id)
      .map(({ key }) => key);
  }

  /** What happened to leases since the last call. */
  takeChanges(): LeaseChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  read(command: ReadCommand): ReadOutcome {
    if (command.kind === "leases") {
      // As they were granted; those of one entry as the rows are: negative ids, as unsigned bytes, come last.
      const ids = [...this.#leases]
        .sort((a, b) => a.sequence - b.sequence || (unsigned(a.id) < unsigned(b.id) ? -1 : 1))
        .map(({ id }) => id);
      return { ok: true, kind: "leases", response: { revision: this.#revision, ids } };
    }
    if (command.kind === "alarms") {
      const alarms = this.alarms().filter(({ type }) => command.type === undefined || type === command.type);
      return { ok: true, kind: "alarms", response: { revision: this.#revision, alarms } };
    }
    if (command.kind === "page") {
      const outcome = this.read({ kind: "range", request: command.request });
      if (!outcome.ok || outcome.kind !== "range") return outcome;
      const count = command.request.countOnly ? outcome.response.count : 0;
      return { ...outcome, response: { ...outcome.response, count } };
    }
    // Without a budget a slice is the whole range.
    if (command.kind === "slice") return this.read({ kind: "range", request: command.request });
    const outcome = this.#store.execute(command);
    return outcome.ok ? ({ ok: true, ...outcome.response } as ReadOutcome) : outcome;
  }

  execute(command: Command, entry: Pick<CommittedEntry, "index" | "term">): CommandOutcome {
    const isCorrupt = this.#alarms.some(({ type }) => type === "corrupt");
    if (isCorrupt && !["alarm", "lease-checkpoint"].includes(command.kind)) {
      return { ok: false, error: { code: "corrupt-cluster" } };
    }
    const isFull = this.#alarms.some(({ type }) => type === "no-space");
    if (isFull && (command.kind === "lease-grant" || holdsPut(command))) {
      return { ok: false, error: { code: "no-space" } };
    }
    switch (command.kind) {
      case "alarm": {
        const alarms = this.#changeAlarm(command.request);
        return { ok: true, response: { kind: "alarm", response: { revision: this.#revision, alarms } } };
      }
      case "lease-grant": {
        const { id } = command.request;
        if (id === 0n) return { ok: false, error: { code: "lease-not-found" } };
        if (command.request.ttlSeconds > 9_000_000_000)
          return { ok: false, error: { code: "lease-ttl-too-large" } };
        if (this.#find(id) !== undefined) return { ok: false, error: { code: "lease-exists" } };
        const ttlSeconds = command.request.ttlSeconds < 1 ? 1 : command.request.ttlSeconds;
        this.#leases.push({ id, ttlSeconds, sequence: entry.index, remainingSeconds: 0 });
        this.#store.leases.add(id);
        this.#changes.push({ kind: "granted", id, ttlSeconds, sequence: entry.index });
        const response = { revision: this.#revision, id, ttlSeconds };
        return { ok: true, response: { kind: "lease-grant", response } };
      }
      case "lease-revoke": {
        const record = this.#find(command.request.id);
        if (record === undefined) return { ok: false, error: { code: "lease-not-found" } };
        this.#end(record);
        return { ok: true, response: { kind: "lease-revoke", response: { revision: this.#revision } } };
      }
      case "lease-expire": {
        const { id, sequence, term } = command.request;
        const record = this.#find(id);
        const expired = record !== undefined && record.sequence === sequence && term === entry.term;
        if (expired) this.#end(record);
        return {
          ok: true,
          response: { kind: "lease-expire", response: { revision: this.#revision, expired } },
        };
      }
      case "lease-checkpoint": {
        const { term, checkpoints } = command.request;
        for (const { id, sequence, remainingSeconds } of checkpoints) {
          const record = this.#find(id);
          if (record === undefined || record.sequence !== sequence || term !== entry.term) continue;
          this.#leases = this.#leases.map((lease) =>
            lease === record ? { ...lease, remainingSeconds } : lease,
          );
          this.#changes.push({ kind: "checkpointed", id, sequence, remainingSeconds });
        }
        return { ok: true, response: { kind: "lease-checkpoint", response: { revision: this.#revision } } };
      }
      case "membership":
        throw new RangeError("a model of keys and leases knows no members");
      default:
        return this.#store.execute(command) as CommandOutcome;
    }
  }

  get #revision(): Revision {
    return this.#store.revision as Revision;
  }

  #changeAlarm({ action, type, memberId }: AlarmRequest): Alarm[] {
    if (type === undefined) return [];
    const found = this.#alarms.filter((alarm) => alarm.type === type && alarm.memberId === memberId);
    this.#alarms = this.#alarms.filter((alarm) => !found.includes(alarm));
    if (action === "deactivate") return found;
    this.#alarms.push({ type, memberId });
    return [{ type, memberId }];
  }

  #find(id: LeaseId): LeaseRecord | undefined {
    return this.#leases.find((lease) => lease.id === id);
  }

  #end(record: LeaseRecord): void {
    const success = this.keysOf(record.id).map((key) => ({
      kind: "delete-range" as const,
      request: deleteRequest(key),
    }));
    this.#store.execute({ kind: "txn", request: txnRequest({ success }) });
    this.#leases = this.#leases.filter((lease) => lease !== record);
    this.#store.leases.delete(record.id);
    this.#changes.push({ kind: "ended", id: record.id, sequence: record.sequence });
  }

  #everything(): readonly KeyValue[] {
    const outcome = this.#store.execute({ kind: "range", request: EVERYTHING });
    return outcome.ok && outcome.response.kind === "range" ? outcome.response.response.kvs : [];
  }
}

function holdsPut(command: Pick<Command, "kind" | "request">): boolean {
  if (command.kind !== "txn") return command.kind === "put";
  const { success, failure } = command.request as TxnRequest;
  return [...success, ...failure].some((op) => op.kind !== "none" && holdsPut(op as Command));
}

function unsigned(id: LeaseId): bigint {
  return BigInt.asUintN(64, id);
}
