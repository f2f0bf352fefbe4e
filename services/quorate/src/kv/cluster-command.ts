import { parseHexId } from "@quorate/base";
import { Command } from "commander";
import { usageError } from "../command-error";
import type { ConnectionFlags } from "./connection";

export interface OutputFlags extends ConnectionFlags {
  readonly writeOut?: string;
}

/** A command that talks to a cluster, with the flags that all of them have. */
export function clusterCommand(name: string): Command {
  return new Command(name)
    .option("--nats-url <url>", "the brokers of the cluster, with commas (env QUORATE_NATS_URL)")
    .option("--cluster <name>", "the cluster's name (env QUORATE_CLUSTER)")
    .option("--data-dir <dir>", "the development cluster to use, in place of --nats-url and --cluster")
    .option(
      "--broker-credentials <file>",
      "this user's secret for the broker (env QUORATE_BROKER_CREDENTIALS)",
    )
    .option("--broker-trusted-ca-file <file>", "who signs the brokers' certificates")
    .option("--broker-cert-file <file>", "this user's certificate, for brokers that ask for one")
    .option("--broker-key-file <file>", "its key")
    .option("--timeout <seconds>", "how long to wait for an answer")
    .option("-w, --write-out <format>", "simple, json, fields or table");
}

/** @throws {CommandError} */
export function leaseIdOf(what: string, text: string): bigint {
  try {
    return BigInt.asIntN(64, parseHexId(text));
  } catch {
    throw usageError(`${what} "${text}" is not a lease id in hexadecimal.`);
  }
}

/** @throws {CommandError} */
export function ttlSecondsOf(what: string, text: string): number {
  const seconds = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(seconds)) {
    throw usageError(`${what} "${text}" is not a whole number of seconds.`);
  }
  return seconds;
}
