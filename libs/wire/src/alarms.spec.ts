import {
  alarmsFromWire,
  decodeAlarmQuery,
  decodeAlarmRequest,
  encodeAlarmRequest,
  wireAlarm,
} from "./alarms";
import { DecodeError } from "./errors";
import { etcdserverpb } from "./protocol";

const LARGEST = 2n ** 64n - 1n;

describe("alarm requests", () => {
  it.each(["activate", "deactivate"] as const)("carry what they %s, with ids of all 64 bits", (action) => {
    for (const type of ["no-space", "corrupt", undefined] as const) {
      const request = { action, type, memberId: LARGEST };
      expect(decodeAlarmRequest(encodeAlarmRequest(request))).toEqual(request);
    }
  });

  it("ask for all alarms if they are empty, or for those of one type", () => {
    expect(decodeAlarmQuery(new Uint8Array(0))).toEqual({ action: "get", type: undefined });
    const corrupt = etcdserverpb.AlarmRequest.encode({ alarm: etcdserverpb.AlarmType.CORRUPT }).finish();
    expect(decodeAlarmQuery(corrupt)).toEqual({ action: "get", type: "corrupt" });
  });

  it("do not stand in the log if they only ask", () => {
    expect(() => decodeAlarmRequest(new Uint8Array(0))).toThrow(DecodeError);
  });

  it("change nothing if their type is not known", () => {
    const bytes = etcdserverpb.AlarmRequest.encode({
      action: 1,
      alarm: 9 as etcdserverpb.AlarmType,
    }).finish();
    expect(decodeAlarmRequest(bytes)).toEqual({ action: "activate", type: undefined, memberId: 0n });
  });
});

describe("alarms", () => {
  it("come back as they were, but for types that are not known", () => {
    const alarms = [
      { type: "no-space", memberId: LARGEST },
      { type: "corrupt", memberId: 0n },
    ] as const;
    expect(
      alarmsFromWire([...alarms.map(wireAlarm), { memberID: 1, alarm: 9 as etcdserverpb.AlarmType }]),
    ).toEqual(alarms);
  });
});
