import { setTimeout as delay } from "node:timers/promises";
import { QuorateClient } from "@quorate/client";
import { CommandError, messageOf } from "../command-error";
import { accepts, addressOf } from "./ports";

export interface ReadinessOptions {
  readonly cluster: string;
  readonly natsUrl: string;
  readonly clientUrls: readonly string[];
  /** Milliseconds until it is given up. */
  readonly timeoutMs: number;
}

const RETRY_MS = 100;
const ATTEMPT_MS = 2_000;

/**
 * Resolves once a write went all the way through the cluster, and every gateway listens and is listed.
 *
 * The write deletes a key that does not exist: a majority agrees on it like on any other, but it uses no revision and
 * leaves no trace, so that the first revision stays the user's.
 *
 * @param giveUp Asked between attempts: a reason why there is no point in waiting longer.
 * @throws {CommandError} It did not work in time, or was given up.
 */
export async function waitUntilReady(
  options: ReadinessOptions,
  giveUp: () => string | undefined,
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  let last = "no attempt was made";
  while (performance.now() < deadline) {
    const reason = giveUp();
    if (reason !== undefined) throw new CommandError(reason);
    try {
      await attempt(options);
      return;
    } catch (error) {
      last = messageOf(error);
    }
    await delay(RETRY_MS);
  }
  throw new CommandError(`The cluster took no write within ${options.timeoutMs / 1000} s (last: ${last}).`);
}

async function attempt({ cluster, natsUrl, clientUrls }: ReadinessOptions): Promise<void> {
  await using client = await QuorateClient.connect({
    servers: natsUrl,
    cluster,
    name: "quorate-dev",
    timeoutMs: ATTEMPT_MS,
  });
  await client.delete("quorate/dev/ready");
  // So that whoever asks the cluster where it can be reached is told from the first moment on.
  const listed = (await client.members()).flatMap((member) => member.clientUrls);
  for (const url of clientUrls) {
    if (!listed.includes(url)) throw new CommandError(`no member has made ${url} known yet`);
    const { host, port } = addressOf(url);
    if (!(await accepts(host, port, ATTEMPT_MS))) throw new CommandError(`no gateway listens on ${url}`);
  }
}
