import { compare, operation, type Condition, type Operation } from "@quorate/client";

import { deploymentKey, podKey, podsFrom, statusKey, type Deployment, type Pod, type Status } from "./model";

/** A value, or `undefined` if what is there is none, and the version of the key that holds it. */
export interface Held<T> {
  readonly modRevision: number;
  readonly value: T | undefined;
}

/** One deployment, as a controller sees it. */
export interface Observed {
  readonly name: string;
  /** `undefined`: there is no such declaration (any more). */
  readonly deployment: Held<Deployment> | undefined;
  /** By key. */
  readonly pods: ReadonlyMap<string, Held<Pod>>;
  readonly status: Held<Status> | undefined;
}

/** One write, and what must still be so for it to be right. */
export interface Step {
  /** For the log: `create /pods/web/0002`. */
  readonly what: string;
  readonly conditions: readonly Condition[];
  readonly operation: Operation;
}

/**
 * What leads from what is there to what is declared, in order: first what is too much goes, then what is wrong is replaced,
 * then what is missing is created, and last the status says how it stands. Nothing if all is as it should be.
 *
 * A declaration that cannot be read is left alone, with all that belongs to it: who wrote it meant something else than nothing.
 *
 * @param by The controller's name.
 */
export function stepsFor(observed: Observed, by: string): Step[] {
  const { name, deployment, pods } = observed;
  if (deployment !== undefined && deployment.value === undefined) return [];
  const { replicas, image } = deployment?.value ?? { replicas: 0, image: "" };
  const wanted = Array.from({ length: replicas }, (_, place) => podKey(name, place));
  const declared = unchanged(deploymentKey(name), deployment);
  const pod = JSON.stringify({ image, phase: "running", by } satisfies Pod);
  const isRight = (held: Held<Pod>): boolean => held.value?.image === image && held.value.phase === "running";

  const excess = [...pods].filter(([key]) => !wanted.includes(key));
  const wrong = wanted.filter((key) => pods.has(key) && !isRight(pods.get(key)!));
  const missing = wanted.filter((key) => !pods.has(key));
  return [
    ...excess.map(([key, held]) => ({
      what: `delete ${key}`,
      conditions: [declared, unchanged(key, held)],
      operation: operation.delete(key),
    })),
    ...wrong.map((key) => ({
      what: `replace ${key}`,
      conditions: [declared, unchanged(key, pods.get(key))],
      operation: operation.put(key, pod),
    })),
    ...missing.map((key) => ({
      what: `create ${key}`,
      // Nobody in a place beyond: so there are never more than declared, even while an earlier surplus is being removed.
      conditions: [declared, compare.missing(key), compare.version(podsFrom(name, replicas), "=", 0)],
      operation: operation.put(key, pod),
    })),
    ...statusSteps(observed, wanted.length - wrong.length - missing.length, declared, by),
  ];
}

/** What is running now; what the steps before it bring about is told when it has been seen. */
function statusSteps(
  { name, deployment, status }: Observed,
  running: number,
  declared: Condition,
  by: string,
): Step[] {
  const key = statusKey(name);
  const conditions = [declared, unchanged(key, status)];
  if (deployment?.value === undefined) {
    return status === undefined
      ? []
      : [{ what: `delete ${key}`, conditions, operation: operation.delete(key) }];
  }
  const { replicas } = deployment.value;
  const declaredAt = deployment.modRevision;
  const told = status?.value;
  const isTold = told?.replicas === replicas && told.running === running && told.declaredAt === declaredAt;
  if (isTold) return [];
  const value = JSON.stringify({ replicas, running, declaredAt, by } satisfies Status);
  return [{ what: `tell ${key} ${running}/${replicas}`, conditions, operation: operation.put(key, value) }];
}

/** A key that does not exist has revision 0. */
function unchanged(key: string, held: Held<unknown> | undefined): Condition {
  return compare.modRevision(key, "=", held?.modRevision ?? 0);
}
