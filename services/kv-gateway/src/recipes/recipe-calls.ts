import type { Clock } from "@quorate/base";
import { DecodeError, decodeMessage } from "@quorate/wire";
import type { ApiCalls, Reply } from "../api/api-calls";
import type { Abandonable, ApiMethod, CallContext } from "../api/api-method";
import { definite, type RequestFailure } from "../api/request-failure";
import { RecipeError } from "./recipe-error";
import type { Caller, RecipeStore } from "./recipe-store";

export interface RecipeCallsOptions {
  /** Calls that may run, most of which wait for somebody else; more are told "too many requests". */
  readonly callsMax: number;
}

export interface RecipeCallsDependencies {
  readonly calls: ApiCalls;
  readonly store: RecipeStore;
  readonly clock: Clock;
}

/** What timers can do. A caller that waits longer than these 24 days has no deadline. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

interface MessageType<Request> {
  decode(bytes: Uint8Array): Request;
}

/**
 * Runs recipes for callers: limits how many there are, and tells each when its caller has gone, its deadline has come or the
 * gateway stops. What a recipe leaves to be undone is undone afterwards and counts as long.
 */
export class RecipeCalls {
  readonly #running = new Set<AbortController>();
  #undoing = 0;
  #isStopping = false;
  readonly #closed = new AbortController();

  constructor(
    private readonly options: RecipeCallsOptions,
    private readonly dependencies: RecipeCallsDependencies,
  ) {}

  /** True if nothing runs and nothing is left to be undone. */
  get idle(): boolean {
    return this.#count === 0;
  }

  /** Makes a call of the API of a recipe. */
  method<Request>(
    name: string,
    type: MessageType<Request>,
    run: (request: Request, caller: Caller) => Promise<Uint8Array>,
  ): ApiMethod {
    return (bytes, context, reply) =>
      this.dependencies.calls.checked(context, reply, () => {
        const request = decodeMessage(name, type, bytes);
        if (this.#isStopping) return "stopped";
        if (this.#count >= this.options.callsMax) return "too-many-requests";
        return this.#begin((caller) => run(request, caller), context, reply);
      });
  }

  /** Repeats `attempt` until it was answered, for nobody. */
  readonly afterwards = (attempt: () => Promise<unknown>): void => {
    this.#undoing += 1;
    const over = (): void => void (this.#undoing -= 1);
    // A refusal is final too: whoever was allowed to put the key may no longer be allowed to delete it.
    this.dependencies.store.patiently(attempt, this.#closed.signal).then(over, over);
  };

  /** Ends all calls and begins no more; what they leave is still undone. */
  stop(): void {
    this.#isStopping = true;
    for (const call of [...this.#running]) call.abort(RecipeError.of("stopped"));
  }

  /** Undoes nothing any more. */
  close(): void {
    this.stop();
    this.#closed.abort(RecipeError.of("stopped"));
  }

  get #count(): number {
    return this.#running.size + this.#undoing;
  }

  #begin(run: (caller: Caller) => Promise<Uint8Array>, context: CallContext, reply: Reply): Abandonable {
    const call = new AbortController();
    this.#running.add(call);
    const { timeoutMs } = context;
    const deadline =
      timeoutMs > TIMER_MS_MAX
        ? undefined
        : this.dependencies.clock.setTimer(timeoutMs, () => call.abort(RecipeError.of("deadline-exceeded")));
    const settle = (answer: () => void): void => {
      this.#running.delete(call);
      deadline?.cancel();
      if (!isAbandoned) answer();
    };
    let isAbandoned = false;
    run({ context, signal: call.signal }).then(
      (bytes) => settle(() => reply({ kind: "ok", bytes })),
      (error: unknown) => settle(() => reply({ kind: "failed", failure: failureOf(error) })),
    );
    return {
      abandon: () => {
        isAbandoned = true;
        call.abort(RecipeError.of("stopped"));
      },
    };
  }
}

/** @throws what is nobody's failure but a bug. */
export function failureOf(error: unknown): RequestFailure {
  if (error instanceof RecipeError) return error.failure;
  if (error instanceof DecodeError) return definite("internal", error.message);
  throw error;
}
