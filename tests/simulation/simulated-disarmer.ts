import type { VirtualTime } from "@quorate/actor";
import { randomInteger, type Prng } from "@quorate/base";
import { alarmsFromWire, encodeAlarmRequest, etcdserverpb } from "@quorate/wire";
import type { SimulatedGateway } from "./simulated-gateway";

const GET_ALARMS = etcdserverpb.AlarmRequest.encode({}).finish();

/** Whoever looks after a cluster whose alarms do not clear themselves: lists them now and then, and disarms each. */
export class SimulatedDisarmer {
  #stopped = false;

  constructor(
    private readonly dependencies: {
      readonly time: VirtualTime;
      readonly prng: Prng;
      readonly gateway: SimulatedGateway;
    },
  ) {}

  stop(): void {
    this.#stopped = true;
  }

  start(): void {
    const { time, prng, gateway } = this.dependencies;
    time.setTimer(randomInteger(prng, 200, 1500), () => {
      if (this.#stopped) return;
      gateway.read({ kind: "alarms", bytes: GET_ALARMS }, (outcome) => {
        if (outcome.kind === "ok") this.#disarm(outcome.bytes);
        this.start();
      });
    });
  }

  #disarm(response: Uint8Array): void {
    for (const alarm of alarmsFromWire(etcdserverpb.AlarmResponse.decode(response).alarms)) {
      const bytes = encodeAlarmRequest({ action: "deactivate", ...alarm });
      this.dependencies.gateway.write({ kind: "alarm", bytes }, () => undefined);
    }
  }
}
