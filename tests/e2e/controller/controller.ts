import { setTimeout as pause } from "node:timers/promises";

import {
  operation,
  QuorateError,
  type Informer,
  type InformerEntry,
  type InvalidEntry,
  type Leadership,
  type QuorateClient,
} from "@quorate/client";

import {
  decodeDeployment,
  decodePod,
  decodeStatus,
  deploymentKey,
  deploymentOf,
  ranges,
  statusKey,
  type Deployment,
  type Pod,
  type Status,
} from "./model";
import { stepsFor, type Held, type Observed, type Step } from "./plan";

export interface ControllerOptions {
  /** Written into what it writes. */
  readonly name: string;
}

export interface ControllerDependencies {
  readonly client: QuorateClient;
  readonly log: (line: string) => void;
}

/** What it needs to know of the lead that it works under. */
export type Lead = Pick<Leadership, "key" | "fencingToken" | "guard" | "isHeld" | "lost">;

/** How long to wait after a failure of the cluster, in milliseconds. */
const RETRY_MS = 100;
/** How long to wait until the informers show a write, in milliseconds. */
const SEEN_MS = 5000;

/** Keeps declared deployments true while it leads. Its informers are kept up to date before, so that it can begin at once. */
export class Controller implements AsyncDisposable {
  readonly #deployments: Informer<Deployment>;
  readonly #pods: Informer<Pod>;
  readonly #statuses: Informer<Status>;
  /** Deployments to look at. However often one is named before its turn, it is looked at once. */
  readonly #dirty = new Set<string>();
  #wake: (() => void) | undefined;

  constructor(
    private readonly options: ControllerOptions,
    private readonly dependencies: ControllerDependencies,
  ) {
    const { client } = dependencies;
    this.#deployments = client.informer(ranges.deployments, { decode: decodeDeployment });
    this.#pods = client.informer(ranges.pods, { decode: decodePod });
    this.#statuses = client.informer(ranges.statuses, { decode: decodeStatus });
  }

  /** Works until it leads no more, or is told to stop. @throws What ended an informer. */
  async run(leadership: Lead, stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([stop, leadership.lost, over.signal]);
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    const listening = this.#informers.map((informer) => this.#listen(informer, signal));
    const working = this.#work(leadership, signal);
    try {
      await Promise.race([working, ...listening]);
    } finally {
      over.abort();
      await Promise.allSettled([working, ...listening]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const informer of this.#informers) await informer.close();
  }

  get #informers(): readonly Informer<unknown>[] {
    return [this.#deployments, this.#pods, this.#statuses];
  }

  /** Events only say where to look; the first ones name everything there is. */
  async #listen(informer: Informer<unknown>, signal: AbortSignal): Promise<void> {
    await using events = informer.events();
    signal.addEventListener("abort", () => void events.return(), { once: true });
    for await (const { keyText } of events) {
      this.#dirty.add(deploymentOf(keyText));
      this.#wake?.();
    }
  }

  async #work(leadership: Lead, signal: AbortSignal): Promise<void> {
    for (const informer of this.#informers) await informer.synced;
    while (!signal.aborted) {
      const [name] = this.#dirty;
      if (name === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      this.#dirty.delete(name);
      try {
        if (!(await this.#reconcile(name, leadership, signal))) return;
      } catch (error) {
        if (!(error instanceof QuorateError)) throw error;
        // Whether or not it happened: every write is conditional, so looking again is right in both cases.
        this.dependencies.log(`${name}: ${error.code} ${error.message}`);
        this.#dirty.add(name);
        await pause(RETRY_MS);
      }
    }
  }

  /** @returns whether it still leads. */
  async #reconcile(name: string, leadership: Lead, signal: AbortSignal): Promise<boolean> {
    for (const step of stepsFor(this.#observe(name), this.options.name)) {
      if (!leadership.isHeld || signal.aborted) return false; // saves a refusal; what protects the store is the guard
      const outcome = await this.#take(step, leadership, signal);
      if (outcome === "deposed") return false;
      if (outcome === "done") continue;
      this.#dirty.add(name); // it was decided upon something that has changed
      return true;
    }
    return true;
  }

  /** What is observed next is not older than this attempt. */
  async #take(
    { what, conditions, operation: write }: Step,
    leadership: Lead,
    signal: AbortSignal,
  ): Promise<"done" | "changed" | "deposed"> {
    const { succeeded, revision, results } = await this.dependencies.client
      .txn()
      .if(leadership.guard, ...conditions)
      .then(write)
      .else(operation.get(leadership.key))
      .commit();
    const [leader] = results[0]?.kind === "range" ? results[0].keyValues : [];
    const isDeposed = !succeeded && leader?.createRevision !== leadership.fencingToken;
    const outcome = succeeded ? "done" : isDeposed ? "deposed" : "changed";
    this.dependencies.log(`${what}: ${outcome}`);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(SEEN_MS)]);
    // If it takes longer, a later step is refused that need not have been.
    await Promise.allSettled(this.#informers.map((each) => each.waitFor(revision, { signal: limit })));
    return outcome;
  }

  #observe(name: string): Observed {
    const pods = [...this.#pods.entries(), ...this.#pods.invalid()].filter(
      ({ keyText }) => deploymentOf(keyText) === name,
    );
    return {
      name,
      deployment: heldOf(this.#deployments, deploymentKey(name)),
      pods: new Map(pods.map((pod) => [pod.keyText, held(pod)])),
      status: heldOf(this.#statuses, statusKey(name)),
    };
  }
}

function heldOf<T>(informer: Informer<T>, key: string): Held<T> | undefined {
  const entry = informer.look(key);
  return entry === undefined ? undefined : held(entry);
}

function held<T>(entry: InformerEntry<T> | InvalidEntry): Held<T> {
  return { modRevision: entry.modRevision, value: entry.isValid ? entry.value : undefined };
}
