import { EtcdClient } from "./etcd-client";
import { eventually } from "./eventually";

/** Waits until a write is acknowledged by a gateway at host:port. Returns the milliseconds that it took. */
export async function untilWritable(address: string, withinMs: number): Promise<number> {
  const client = new EtcdClient({ address });
  const from = performance.now();
  try {
    await eventually("a write to be acknowledged", { withinMs }, () =>
      client.put({ key: Buffer.from("harness/probe") }, 2000),
    );
    return performance.now() - from;
  } finally {
    client.close();
  }
}
