import { everyKey, type QuorateClient, type Watch, type WatchEvent } from "@quorate/client";

import { deploymentOf } from "./model";

/** A change, as far as it matters here. */
export interface Change {
  readonly revision: number;
  readonly key: string;
  /** `undefined`: deleted. */
  readonly text: string | undefined;
  readonly createRevision: number;
}

/** Of the keys of those who stand for election. */
export const CANDIDATES = "controllers/deployments/";

/** Everything that happens in a store, from when it was started on. */
export class RecordedHistory implements AsyncDisposable {
  readonly changes: Change[] = [];
  readonly #watch: Watch;
  readonly #recording: Promise<void>;

  private constructor(watch: Watch) {
    this.#watch = watch;
    this.#recording = this.#record();
  }

  static async start(client: QuorateClient): Promise<RecordedHistory> {
    const watch = client.watch(everyKey());
    await watch.started;
    return new RecordedHistory(watch);
  }

  /** The revision of the last change. */
  get revision(): number {
    return this.changes.at(-1)?.revision ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch.return();
    await this.#recording;
  }

  async #record(): Promise<void> {
    for await (const event of this.#watch) this.changes.push(changeOf(event));
  }
}

function changeOf({ type, revision, keyValue }: WatchEvent): Change {
  const { keyText: key, text, createRevision } = keyValue;
  return { revision, key, text: type === "delete" ? undefined : text, createRevision };
}

/**
 * What controllers must never have done:
 *
 * 1. create a pod while as many exist as are declared at that revision: where there are more than declared, somebody declared
 *    less, and nothing was added since;
 * 2. write anything (`by` tells who) without leading at that revision: being, of those who stood, the one who came first.
 */
export function violationsOf(changes: readonly Change[]): string[] {
  const store = new Map<string, Change>();
  const found: string[] = [];
  for (const change of changes) {
    const { key, text, revision } = change;
    const isNew = !store.has(key);
    const leader = leaderOf(store);
    if (text === undefined) store.delete(key);
    else store.set(key, change);
    if (text === undefined || !/^\/(pods|status)\//.test(key)) continue;

    const by = fieldOf(text, "by");
    if (typeof by === "string" && by.startsWith("controller-") && by !== leader) {
      found.push(`${key} was written at ${revision} by ${by} while ${leader ?? "nobody"} led`);
    }
    if (!key.startsWith("/pods/") || !isNew) continue;
    const name = deploymentOf(key);
    const declared = Number(fieldOf(store.get(`/deployments/${name}`)?.text ?? "{}", "replicas") ?? 0);
    const count = [...store.keys()].filter((other) => other.startsWith(`/pods/${name}/`)).length;
    if (count > declared) found.push(`${key} was created at ${revision} as number ${count} of ${declared}`);
  }
  return found;
}

function leaderOf(store: ReadonlyMap<string, Change>): string | undefined {
  const candidates = [...store.values()].filter(({ key }) => key.startsWith(CANDIDATES));
  return candidates.sort((a, b) => a.createRevision - b.createRevision)[0]?.text;
}

/** `undefined` too of what is no object in JSON. */
function fieldOf(text: string, field: string): unknown {
  try {
    return (JSON.parse(text) as Record<string, unknown>)[field];
  } catch {
    return undefined;
  }
}
