/**
 * Round trips per second with 64 requests of 200 bytes in flight: broker, responder and requester in processes of their own.
 * Run the compiled file: `node libs/transport-nats/dist/request.bench.js`.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import type { Clock } from "@quorate/base";
import { startNatsServer } from "@quorate/testing";
import type { Transport } from "@quorate/transport";
import { NatsTransport } from "./nats-transport";

const IN_FLIGHT = 64;
const PAYLOAD_BYTES = 200;
const WARM_UP_MS = 2000;
const MEASURED_MS = 5000;

const clock: Clock = {
  now: () => performance.now(),
  setTimer: (delayMs, task) => {
    const handle = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

function connect(url: string, name: string): Promise<Transport> {
  return NatsTransport.connect({ servers: [url], name }, { clock });
}

async function respond(url: string): Promise<void> {
  const transport = await connect(url, "responder");
  transport.subscribe("bench", ({ reply, payload }) => void transport.publish(reply!, payload));
  await transport.flush();
  process.send?.("ready");
  process.once("disconnect", () => process.exit());
}

/** Keeps `IN_FLIGHT` requests going for `durationMs`. @returns Answers per second. */
function run(transport: Transport, durationMs: number): Promise<number> {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(1);
  const started = clock.now();
  let answers = 0;
  let flying = IN_FLIGHT;
  return new Promise((resolve, reject) => {
    const next = (): void => {
      transport.request("bench", payload, { timeoutMs: 5000 }, (result) => {
        if (result.kind !== "answer") return reject(new TypeError(`not an answer: ${result.kind}`));
        answers += 1;
        if (clock.now() - started < durationMs) return next();
        flying -= 1;
        if (flying === 0) resolve(answers / ((clock.now() - started) / 1000));
      });
    };
    for (let at = 0; at < IN_FLIGHT; at += 1) next();
  });
}

async function main(): Promise<void> {
  const server = await startNatsServer();
  const responder = fork(__filename, ["respond", server.url]);
  try {
    await once(responder, "message");
    await using transport = await connect(server.url, "requester");
    await run(transport, WARM_UP_MS);
    const perSecond = await run(transport, MEASURED_MS);
    console.log(`${Math.round(perSecond)} requests/s, ${IN_FLIGHT} in flight, ${PAYLOAD_BYTES} bytes`);
  } finally {
    responder.disconnect();
    await server.stop();
  }
}

void (process.argv[2] === "respond" ? respond(process.argv[3]!) : main());
