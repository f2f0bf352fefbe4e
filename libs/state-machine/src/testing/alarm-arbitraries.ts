import * as fc from "fast-check";
import type { AlarmType, Command } from "../types";

const memberId = fc.constantFrom(0n, 1n, 2n ** 64n - 1n);

/** Most deactivate: what is written while an alarm is active is refused, which soon says nothing new. */
export const alarmCommands: fc.Arbitrary<Command> = fc
  .record({
    action: fc.constantFrom("activate" as const, "deactivate" as const, "deactivate" as const),
    type: fc.constantFrom<AlarmType | undefined>("no-space", "no-space", "no-space", "corrupt", undefined),
    memberId,
  })
  .map((request): Command => ({ kind: "alarm", request }));

/** Every alarm that the commands above activate, deactivated. */
export const ALL_CLEAR: readonly Command[] = (["no-space", "corrupt"] as const).flatMap((type) =>
  [0n, 1n, 2n ** 64n - 1n].map((id): Command => {
    return { kind: "alarm", request: { action: "deactivate", type, memberId: id } };
  }),
);
