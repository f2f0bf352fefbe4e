import * as fc from "fast-check";
import type { LeaseId } from "@quorate/lease";
import type { Command } from "../types";
import type { NaiveState } from "./naive-state";

/** The same ids as those of the puts, and one that no put names. */
const id = fc.constantFrom(7n, 7n, -1n, -1n, 8n).map((of) => of as LeaseId);
/** Stands for the sequence of the lease as it is; others are wrong, or right by chance. */
const CURRENT = -1;
const sequence = fc.oneof({ weight: 4, arbitrary: fc.constant(CURRENT) }, fc.integer({ min: 1, max: 20 }));
const term = fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.constant(2));
const ttlSeconds = fc.constantFrom(-5, 0, 1, 60, 9_000_000_000, 9_000_000_001);

export const leaseCommands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ id, ttlSeconds }).map((request): Command => ({ kind: "lease-grant", request })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constant(0n as LeaseId)
      .map((none): Command => ({ kind: "lease-grant", request: { id: none, ttlSeconds: 5 } })),
  },
  { weight: 2, arbitrary: id.map((of): Command => ({ kind: "lease-revoke", request: { id: of } })) },
  {
    weight: 3,
    arbitrary: fc
      .record({ id, sequence, term })
      .map((request): Command => ({ kind: "lease-expire", request })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        term,
        checkpoints: fc.array(fc.record({ id, sequence, remainingSeconds: fc.constantFrom(0, 1, 100) }), {
          maxLength: 3,
        }),
      })
      .map((request): Command => ({ kind: "lease-checkpoint", request })),
  },
);

/** The same commands with sequences that are those of the leases in `model`. */
export function resolveSequences(lists: readonly (readonly Command[])[], model: NaiveState): Command[][] {
  const current = <T extends { readonly id: LeaseId; readonly sequence: number }>(of: T): T =>
    of.sequence === CURRENT ? { ...of, sequence: model.sequenceOf(of.id) } : of;
  return lists.map((list) =>
    list.map((command) => {
      switch (command.kind) {
        case "lease-expire":
          return { ...command, request: current(command.request) };
        case "lease-checkpoint": {
          const { request } = command;
          return { ...command, request: { ...request, checkpoints: request.checkpoints.map(current) } };
        }
        default:
          return command;
      }
    }),
  );
}
