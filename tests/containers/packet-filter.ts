import { run } from "../harness/child-process";
import type { ClusterContainer } from "./cluster-container";
import { programOf } from "./docker-access";

const TIMEOUT_MS = 10_000;
/** In the words of tc: late and uneven, or, for kernels that cannot do that, narrow and so with a queue before it. */
const SLOW = "netem delay 120ms 40ms";
const NARROW = "tbf rate 400kbit burst 8kb latency 400ms";

/** Drops what `container` is sent by `others`, who still hear it. */
export async function dropFrom(
  container: ClusterContainer,
  others: readonly ClusterContainer[],
): Promise<void> {
  for (const other of others)
    await inNetworkOf(container, "iptables", ["-A", "INPUT", "-s", await other.address(), "-j", "DROP"]);
}

/** Lets no packet pass between one of the groups and another one. */
export async function separate(groups: readonly (readonly ClusterContainer[])[]): Promise<void> {
  await Promise.all(
    groups.flatMap((group) =>
      group.map((container) => dropFrom(container, groups.filter((other) => other !== group).flat())),
    ),
  );
}

/** Loses each packet that `container` is sent in the private network with this probability. */
export async function losePackets(container: ClusterContainer, probability: number): Promise<void> {
  const chance = ["-m", "statistic", "--mode", "random", "--probability", `${probability}`];
  await inNetworkOf(container, "iptables", [
    "-A",
    "INPUT",
    "-d",
    await container.address(),
    ...chance,
    "-j",
    "DROP",
  ]);
}

/** Makes all that `container` sends in the private network late. @returns In which way. */
export async function slowDown(container: ClusterContainer): Promise<string> {
  const device = await deviceOf(container);
  const add = (how: string): Promise<string> =>
    inNetworkOf(container, "tc", ["qdisc", "replace", "dev", device, "root", ...how.split(" ")]);
  try {
    await add(SLOW);
    return SLOW;
  } catch {
    await add(NARROW);
    return NARROW;
  }
}

/** Lets everything through again. @returns How many packets it was that were dropped. */
export async function letThrough(container: ClusterContainer): Promise<number> {
  const rules = await inNetworkOf(container, "iptables", ["-L", "INPUT", "-v", "-x", "-n"]);
  await inNetworkOf(container, "iptables", ["-F", "INPUT"]);
  // Without one there is nothing to delete.
  await inNetworkOf(container, "tc", ["qdisc", "del", "dev", await deviceOf(container), "root"]).catch(
    () => "",
  );
  const dropped = [...rules.matchAll(/^\s*(\d+)\s+\d+\s+DROP/gm)].map(([, packets]) => Number(packets));
  return dropped.reduce((sum, packets) => sum + packets, 0);
}

async function deviceOf(container: ClusterContainer): Promise<string> {
  const listed = await inNetworkOf(container, "ip", ["-o", "-4", "address"]);
  const address = await container.address();
  const line = listed.split("\n").find((each) => each.includes(` ${address}/`));
  return line?.split(/\s+/)[1] ?? "";
}

/** Runs a program of this machine in the network namespace of a container. */
async function inNetworkOf(
  container: ClusterContainer,
  program: string,
  args: readonly string[],
): Promise<string> {
  const target = ["-t", `${await container.pid()}`, "-n"];
  const nsenter = programOf("nsenter") ?? "nsenter";
  const { exitCode, stdout, stderr } = await run(
    nsenter,
    [...target, programOf(program) ?? program, ...args],
    {
      timeoutMs: TIMEOUT_MS,
    },
  );
  if (exitCode !== 0)
    throw new Error(`${program} ${args.join(" ")} failed in ${container.name} (${exitCode})\n${stderr}`);
  return stdout;
}
