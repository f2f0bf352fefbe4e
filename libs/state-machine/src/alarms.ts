import { EMPTY_BYTES, invariant, utf8 } from "@quorate/base";
import { mayPut } from "@quorate/mvcc";
import { SINCE } from "./cluster-version";
import type { Membership } from "./membership/membership";
import type {
  Alarm,
  AlarmError,
  AlarmRequest,
  AlarmsResponse,
  AlarmType,
  Command,
  StateBatch,
  StateView,
} from "./types";

/*
 * The rows of alarms in `meta`, one per active alarm, with an empty value:
 *
 *   "alarm", type (1 byte), member id (8 bytes, big endian)
 */
const PREFIX = utf8("alarm");
const TYPE_OFFSET = PREFIX.length;
const MEMBER_OFFSET = TYPE_OFFSET + 1;
const ROW_KEY_BYTES = MEMBER_OFFSET + 8;

/** Stored, and compared between members of different versions: never reuse or change one. */
const TYPE_CODES: Readonly<Record<AlarmType, number>> = { "no-space": 1, corrupt: 2 };

/** What an apply batch did to the alarms. */
interface AlarmChange {
  readonly action: "activate" | "deactivate";
  readonly alarm: Alarm;
}

/**
 * The alarms that are active: state like the keys, changed by commands alone. There are as many as there are members with
 * something wrong, so they are all kept in memory, in the order of their rows.
 */
export class Alarms {
  #active: readonly Alarm[];
  /** Of the batch that is being applied. */
  #changes: AlarmChange[] = [];

  constructor(view: StateView) {
    this.#active = storedAlarms(view);
  }

  /** By type and member. A list that was returned never changes. */
  get active(): readonly Alarm[] {
    return this.#active;
  }

  /** How many changes the batch has made so far: a position for `encodedChanges`. */
  get changeCount(): number {
    return this.#changes.length;
  }

  ofType(type: AlarmType | undefined): readonly Alarm[] {
    return type === undefined ? this.#active : this.#active.filter((alarm) => alarm.type === type);
  }

  /** @returns the alarm that is active now, or is no longer; none if there was nothing to deactivate. */
  change({ action, type, memberId }: AlarmRequest): AlarmsResponse["alarms"] {
    if (type === undefined) return [];
    const known = this.#active.find((alarm) => alarm.type === type && alarm.memberId === memberId);
    if (action === "activate" && known !== undefined) return [known];
    if (action === "deactivate" && known === undefined) return [];
    const alarm = known ?? { type, memberId };
    const others = this.#active.filter((other) => other !== known);
    this.#active = action === "activate" ? [...others, alarm].sort(inOrder) : others;
    this.#changes.push({ action, alarm });
    return [alarm];
  }

  /** Why an active alarm refuses the command; `undefined` if none does. */
  refusalOf(command: Command, membership: Membership): AlarmError | undefined {
    if (this.#active.length === 0) return undefined;
    if (this.#isCorrupt(membership) && changesData(command)) return { code: "corrupt-cluster" };
    if (this.ofType("no-space").length > 0 && addsData(command)) return { code: "no-space" };
    return undefined;
  }

  #isCorrupt(membership: Membership): boolean {
    const corrupt = this.ofType("corrupt");
    if (membership.clusterVersion < SINCE.corruptByMember) return corrupt.length > 0;
    return !isMajoritySound(corrupt, membership);
  }

  /** The changes from position `from` on in the form that the effect hash covers. */
  encodedChanges(from: number): Uint8Array {
    const changes = this.#changes.slice(from);
    if (changes.length === 0) return EMPTY_BYTES;
    const bytes = new Uint8Array(changes.length * ROW_KEY_BYTES);
    for (const [at, { action, alarm }] of changes.entries()) {
      bytes.set(rowKey(alarm), at * ROW_KEY_BYTES);
      bytes[at * ROW_KEY_BYTES] = action === "activate" ? 1 : 2;
    }
    return bytes;
  }

  /** Puts the changes of the batch into it and starts anew. */
  flush(batch: StateBatch): void {
    for (const { action, alarm } of this.#changes) {
      if (action === "activate") batch.put("meta", rowKey(alarm), EMPTY_BYTES);
      else batch.del("meta", rowKey(alarm));
    }
    this.#changes = [];
  }
}

/**
 * Whether it is known which members are damaged, and enough others are left. Those are fenced and take no part, so that
 * writes are as safe as if they were down. An alarm that names nobody says that no majority agrees on what the state is.
 * Who was removed is nobody's concern any more.
 */
function isMajoritySound(
  corrupt: readonly Alarm[],
  { members, removed, configuration }: Membership,
): boolean {
  if (corrupt.length === 0) return true;
  const isNamed = (id: bigint): boolean => corrupt.some(({ memberId }) => memberId === id);
  const isKnown = ({ memberId }: Alarm): boolean =>
    members.some(({ id }) => id === memberId) || removed.some((id) => id === memberId);
  const isSound = (voters: readonly bigint[]): boolean =>
    voters.length === 0 || voters.filter((id) => !isNamed(id)).length * 2 > voters.length;
  return corrupt.every(isKnown) && isSound(configuration.incoming) && isSound(configuration.outgoing);
}

/** As etcd counts it: a put costs space even if it makes a value smaller, and a transaction if it might hold one. */
function addsData(command: Command): boolean {
  return (
    command.kind === "put" ||
    command.kind === "lease-grant" ||
    (command.kind === "txn" && mayPut(command.request))
  );
}

function changesData(command: Command): boolean {
  return command.kind !== "alarm" && command.kind !== "lease-checkpoint";
}

function storedAlarms(view: StateView): Alarm[] {
  const end = PREFIX.slice();
  end[end.length - 1]! += 1;
  const alarms: Alarm[] = [];
  using rows = view.scan("meta", PREFIX, end);
  for (let row = rows.next(); row !== undefined; row = rows.next()) alarms.push(alarmOf(row.key));
  return alarms;
}

function rowKey({ type, memberId }: Alarm): Uint8Array {
  const key = new Uint8Array(ROW_KEY_BYTES);
  key.set(PREFIX);
  key[TYPE_OFFSET] = TYPE_CODES[type];
  new DataView(key.buffer).setBigUint64(MEMBER_OFFSET, memberId);
  return key;
}

function alarmOf(key: Uint8Array): Alarm {
  invariant(key.length === ROW_KEY_BYTES, "the key of an alarm has a fixed size", { length: key.length });
  const code = key[TYPE_OFFSET];
  const type = (Object.keys(TYPE_CODES) as AlarmType[]).find((name) => TYPE_CODES[name] === code);
  invariant(type !== undefined, "an alarm is of a known type", { code });
  const memberId = new DataView(key.buffer, key.byteOffset).getBigUint64(MEMBER_OFFSET);
  return { type, memberId };
}

function inOrder(a: Alarm, b: Alarm): number {
  if (a.type !== b.type) return TYPE_CODES[a.type] - TYPE_CODES[b.type];
  return a.memberId < b.memberId ? -1 : 1;
}
