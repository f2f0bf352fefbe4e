import { between, prefix, type KeyRange, type KeyValue } from "@quorate/client";

/** What somebody wants: so many pods of one image. At `/deployments/<name>`. */
export interface Deployment {
  readonly replicas: number;
  readonly image: string;
}

/** At `/pods/<deployment>/<place>`; places count from 0. */
export interface Pod {
  readonly image: string;
  readonly phase: "running" | "failed";
  /** The controller that wrote it. */
  readonly by: string;
}

/** How a deployment stands. At `/status/<deployment>`. */
export interface Status {
  readonly replicas: number;
  readonly running: number;
  /** The `mod_revision` of the declaration that this is about. */
  readonly declaredAt: number;
  /** The controller that wrote it. */
  readonly by: string;
}

export const ranges = {
  deployments: prefix("/deployments/"),
  pods: prefix("/pods/"),
  statuses: prefix("/status/"),
} as const;

/** Pods of one deployment; so that keys order as places do, these have four digits. */
export const REPLICAS_MAX = 10_000;

export const deploymentKey = (name: string): string => `/deployments/${name}`;
export const statusKey = (name: string): string => `/status/${name}`;
export const podKey = (name: string, place: number): string => `/pods/${name}/${`${place}`.padStart(4, "0")}`;

/** All places from `place` on. */
export function podsFrom(name: string, place: number): KeyRange {
  return between(podKey(name, place), `/pods/${name}0`); // "0" comes right after "/"
}

/** The deployment that a key of any of these kinds belongs to. */
export function deploymentOf(keyText: string): string {
  return keyText.split("/")[2] ?? "";
}

/** @throws {TypeError} It is no deployment: an informer reports that of this key, and goes on with the others. */
export function decodeDeployment(keyValue: KeyValue): Deployment {
  const { replicas, image } = fieldsOf(keyValue);
  const isCount = Number.isInteger(replicas) && Number(replicas) >= 0 && Number(replicas) <= REPLICAS_MAX;
  if (!isCount || typeof image !== "string") throw new TypeError(`${keyValue.keyText} is no deployment`);
  return { replicas: Number(replicas), image };
}

/** @throws {TypeError} It is no pod. */
export function decodePod(keyValue: KeyValue): Pod {
  const { image, phase, by } = fieldsOf(keyValue);
  const isPhase = phase === "running" || phase === "failed";
  if (typeof image !== "string" || !isPhase) throw new TypeError(`${keyValue.keyText} is no pod`);
  return { image, phase, by: String(by) };
}

/** @throws {TypeError} It is no status. */
export function decodeStatus(keyValue: KeyValue): Status {
  const { replicas, running, declaredAt, by } = fieldsOf(keyValue);
  return {
    replicas: Number(replicas),
    running: Number(running),
    declaredAt: Number(declaredAt),
    by: String(by),
  };
}

function fieldsOf(keyValue: KeyValue): Record<string, unknown> {
  const value = keyValue.json();
  if (typeof value !== "object" || value === null) throw new TypeError(`${keyValue.keyText} is no object`);
  return value as Record<string, unknown>;
}
