import type { Alarm, AlarmRequest, AlarmType } from "@quorate/state-machine";
import { DecodeError } from "./errors";
import { unsignedId, wireId } from "./int64";
import { decodeMessage, etcdserverpb } from "./protocol";

const { ACTIVATE, DEACTIVATE } = etcdserverpb.AlarmRequest.AlarmAction;

/** What a client asks of the alarms: to see some, or to change one. */
export type AlarmQuery =
  | { readonly action: "get"; readonly type: AlarmType | undefined }
  | (AlarmRequest & { readonly action: "activate" | "deactivate" });

/** What etcd shows of an alarm type. */
export const ALARM_NAMES: Readonly<Record<AlarmType, string>> = {
  "no-space": "NOSPACE",
  corrupt: "CORRUPT",
};

/** An action or type that is not known counts as GET, and as no type. @throws {DecodeError} */
export function decodeAlarmQuery(bytes: Uint8Array): AlarmQuery {
  const message = decodeMessage("AlarmRequest", etcdserverpb.AlarmRequest, bytes);
  const type = typeOf(message.alarm);
  if (message.action !== ACTIVATE && message.action !== DEACTIVATE) return { action: "get", type };
  const action = message.action === ACTIVATE ? "activate" : "deactivate";
  return { action, type, memberId: unsignedId(message.memberID) };
}

/** In an entry of the log. @throws {DecodeError} also for one that only asks: that is a read. */
export function decodeAlarmRequest(bytes: Uint8Array): AlarmRequest {
  const query = decodeAlarmQuery(bytes);
  if (query.action === "get") throw new DecodeError("AlarmRequest", "it changes nothing");
  return query;
}

export function encodeAlarmRequest({ action, type, memberId }: AlarmRequest): Uint8Array {
  return etcdserverpb.AlarmRequest.encode({
    action: action === "activate" ? ACTIVATE : DEACTIVATE,
    memberID: wireId(memberId),
    alarm: wireType(type),
  }).finish();
}

export function wireAlarm({ type, memberId }: Alarm): etcdserverpb.AlarmMember.$Properties {
  return { memberID: wireId(memberId), alarm: wireType(type) };
}

/** An alarm of a type that is not known is left out. */
export function alarmsFromWire(alarms: readonly etcdserverpb.AlarmMember.$Properties[]): Alarm[] {
  return alarms.flatMap((alarm) => {
    const type = typeOf(alarm.alarm ?? 0);
    return type === undefined ? [] : [{ type, memberId: unsignedId(alarm.memberID ?? 0) }];
  });
}

function wireType(type: AlarmType | undefined): etcdserverpb.AlarmType {
  if (type === undefined) return etcdserverpb.AlarmType.NONE;
  return type === "no-space" ? etcdserverpb.AlarmType.NOSPACE : etcdserverpb.AlarmType.CORRUPT;
}

function typeOf(wire: number): AlarmType | undefined {
  if (wire === etcdserverpb.AlarmType.NOSPACE) return "no-space";
  return wire === etcdserverpb.AlarmType.CORRUPT ? "corrupt" : undefined;
}
