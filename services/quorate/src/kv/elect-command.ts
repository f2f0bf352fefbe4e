import { exactly, type QuorateClient } from "@quorate/client";
import type { Command } from "commander";
import { CommandError, messageOf, usageError } from "../command-error";
import { clusterCommand, ttlSecondsOf, type OutputFlags } from "./cluster-command";
import { withClient } from "./connection";
import { anyAborted, interruptible } from "./interruption";
import { renderRange } from "./kv-output";
import { parseOutputFormat, type OutputFormat } from "./output-format";

interface ElectFlags extends OutputFlags {
  readonly listen?: boolean;
  readonly ttl: string;
}

/** `quorate elect`, as etcdctl's: the two take part in the same elections. */
export function electCommand(): Command {
  return clusterCommand("elect")
    .description("campaign until elected and lead until Ctrl-C, or print each leader")
    .argument("<election>")
    .argument("[value]", "what observers are told of this leader")
    .option("-l, --listen", "take no part")
    .option("--ttl <seconds>", "how long the lead outlives this process, should it die", "10")
    .action(async (name: string, value: string | undefined, flags: ElectFlags) => {
      const format = parseOutputFormat(flags.writeOut);
      const ttlSeconds = ttlSecondsOf("--ttl", flags.ttl);
      if ((value === undefined) !== (flags.listen === true)) {
        throw usageError("elect takes either a value to campaign with, or --listen.");
      }
      process.exitCode = await withClient(flags, (client) =>
        interruptible((signal) =>
          value === undefined
            ? listen(client, name, format, signal)
            : campaign(client, { name, value, ttlSeconds }, format, signal),
        ),
      );
    });
}

async function campaign(
  client: QuorateClient,
  { name, value, ttlSeconds }: { readonly name: string; readonly value: string; readonly ttlSeconds: number },
  format: OutputFormat,
  signal: AbortSignal,
): Promise<number> {
  await using leadership = await client.election(name, { ttlSeconds }).campaign(value, { signal });
  process.stdout.write(renderRange(await client.range(exactly(leadership.key), { signal }), format));
  await anyAborted(signal, leadership.lost);
  if (leadership.lost.aborted) throw new CommandError(messageOf(leadership.lost.reason));
  return 0;
}

async function listen(
  client: QuorateClient,
  name: string,
  format: OutputFormat,
  signal: AbortSignal,
): Promise<number> {
  for await (const leader of client.election(name).observe({ signal })) {
    const header = { clusterId: 0n, memberId: 0n, revision: leader.modRevision, term: 0 };
    const told = { header, revision: leader.modRevision, keyValues: [leader], count: 0, more: false };
    process.stdout.write(renderRange(told, format));
  }
  return 0;
}
