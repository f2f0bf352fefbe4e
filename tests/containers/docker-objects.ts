import { getContainerRuntimeClient } from "testcontainers";

/** On everything that these tests create: the process id of the test run that it belongs to. */
const RUN_LABEL = "quorate.tests.containers";
/** Set to keep containers, networks and volumes for a post mortem; the next run removes them. */
const KEEP_VARIABLE = "QUORATE_CONTAINERS_KEEP";
/** Set for the specs by the global setup; the same in all workers. */
const RUN_VARIABLE = "QUORATE_CONTAINERS_RUN";

// The image of the reaper, which removes what a test run has left, need not be at hand; the global teardown does its work.
process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";

export type Docker = Awaited<ReturnType<typeof getContainerRuntimeClient>>["container"]["dockerode"];

export async function docker(): Promise<Docker> {
  return (await getContainerRuntimeClient()).container.dockerode;
}

/** Makes this process the one whose end makes everything created from now on a leftover. */
export function beginRun(): void {
  process.env[RUN_VARIABLE] = `${process.pid}`;
}

/** Of every container, network and volume of this run. */
export function runLabels(): Record<string, string> {
  return { "org.testcontainers": "true", [RUN_LABEL]: runId() };
}

/** Whether what this run has made is to outlive it. */
export function isToBeKept(): boolean {
  return process.env[KEEP_VARIABLE] === "yes";
}

/** A name that no other run uses. */
export function runName(name: string): string {
  return `quorate-test-${runId()}-${name}`;
}

/** Removes what this run has left. */
export function removeOwn(): Promise<void> {
  return removeWhere((run) => run === runId());
}

/** Removes what runs have left that are no more. */
export function removeLeftovers(): Promise<void> {
  return removeWhere((run) => !isAlive(Number(run)));
}

async function removeWhere(isMeant: (run: string) => boolean): Promise<void> {
  const client = await docker();
  const filters = { label: [RUN_LABEL] };
  const isOurs = ({ Labels }: { readonly Labels?: Readonly<Record<string, string>> | undefined }): boolean =>
    isMeant(Labels?.[RUN_LABEL] ?? "");
  const containers = await client.listContainers({ all: true, filters });
  await Promise.all(
    containers.filter(isOurs).map(({ Id }) => client.getContainer(Id).remove({ force: true, v: true })),
  );
  const networks = await client.listNetworks({ filters });
  for (const { Id } of networks.filter(isOurs)) await client.getNetwork(Id).remove();
  const { Volumes } = await client.listVolumes({ filters });
  for (const { Name } of (Volumes ?? []).filter(isOurs)) await client.getVolume(Name).remove({});
}

function runId(): string {
  return process.env[RUN_VARIABLE] ?? `${process.pid}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
