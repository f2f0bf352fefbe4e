import { VirtualTime } from "@quorate/actor";
import { NO_TRACER } from "@quorate/telemetry";
import { v3lockpb } from "@quorate/wire";
import { ApiCalls } from "../api/api-calls";
import type { Abandonable } from "../api/api-method";
import { testGateway } from "../testing/test-gateway";
import { RecipeCalls } from "./recipe-calls";
import { RecipeStore } from "./recipe-store";

describe("RecipeCalls", () => {
  it("takes no more calls than its limit, and the next one when one has ended", async () => {
    const time = new VirtualTime();
    const { gateway } = testGateway({ clock: time, scheduler: time });
    const calls = new ApiCalls(
      { requestTimeoutMs: 7000, requestBytesMax: 1e6 },
      { clock: time, tracker: gateway.tracker, tracer: NO_TRACER },
    );
    const store = new RecipeStore({ kv: gateway.kv, lease: gateway.lease, clock: time });
    const recipeCalls = new RecipeCalls({ callsMax: 2 }, { calls, store, clock: time });
    const waiting = recipeCalls.method(
      "LockRequest",
      v3lockpb.LockRequest,
      (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        }),
    );
    const failures: string[] = [];
    const begin = (): Abandonable | undefined =>
      waiting(new Uint8Array(0), { timeoutMs: Infinity, requireLeader: false }, (outcome) => {
        if (outcome.kind === "failed") failures.push(outcome.failure.code);
      });
    const [first] = [begin(), begin(), begin()];
    expect(failures).toEqual(["too-many-requests"]);
    first?.abandon();
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    begin();
    expect(failures).toHaveLength(1);
    expect(recipeCalls.idle).toBe(false);
    gateway.close();
  });
});
