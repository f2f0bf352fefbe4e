import { parseArgs } from "node:util";

import { ClaimLostError, QuorateClient, QuorateError } from "@quorate/client";

import { Controller } from "./controller";

/** Seconds after which another controller takes over from one that died. */
const TTL_SECONDS = 3;

/** One of several that run at once: `main.js --servers nats://127.0.0.1:4222 --cluster dev --name controller-a`. */
async function main(): Promise<void> {
  const { servers, cluster, name } = parseArgs({
    options: {
      servers: { type: "string", default: "nats://127.0.0.1:4222" },
      cluster: { type: "string", default: "dev" },
      name: { type: "string", default: `controller-${process.pid}` },
    },
  }).values;
  const log = (line: string): void => void process.stdout.write(`${name}: ${line}\n`);
  const stopping = new AbortController();
  for (const sign of ["SIGTERM", "SIGINT"] as const) process.once(sign, () => stopping.abort());
  const { signal } = stopping;

  await using client = await QuorateClient.connect({ servers, cluster, name });
  await using controller = new Controller({ name }, { client, log });
  const election = client.election("controllers/deployments", { ttlSeconds: TTL_SECONDS });
  while (!signal.aborted) {
    try {
      await using leadership = await election.campaign(name, { signal });
      log(`leads, with the fencing token ${leadership.fencingToken}`);
      await controller.run(leadership, signal);
      log("leads no more");
    } catch (error) {
      // Stopped, or the cluster was away for longer than the lease: stand again.
      if (!(error instanceof ClaimLostError || error instanceof QuorateError)) throw error;
      log(String(error));
    }
  }
}

void main();
