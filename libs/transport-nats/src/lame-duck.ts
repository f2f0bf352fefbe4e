import type { Clock, Timer } from "@quorate/base";

export interface LameDuckOptions {
  /** What the owner wants done while it can still be heard, such as giving a leadership away. */
  readonly beforeMove: () => Promise<void>;
  /** How long that, and then sending what is under way, may take together, in milliseconds. */
  readonly withinMs: number;
}

/**
 * Leaves a broker that has announced its end, in order: it would cut off its clients itself, one after the other, but only when
 * it is too late to say anything. The client library only reports the announcement. A broker in this mode takes no new
 * connections, so dialling again leads to another one.
 *
 * @param broker `flush` sends what is under way; `leave` breaks the connection, after which the library dials.
 */
export async function leaveLameDuck(
  { beforeMove, withinMs }: LameDuckOptions,
  broker: { flush(): Promise<void>; leave(): void },
  { clock }: { readonly clock: Clock },
): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock.setTimer(withinMs, resolve);
  });
  // What fails here fails because the broker is gone already, or would be.
  const prepared = beforeMove()
    .then(() => broker.flush())
    .catch(() => undefined);
  await Promise.race([prepared, late]);
  timer?.cancel();
  broker.leave();
}
