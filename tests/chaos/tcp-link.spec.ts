import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

import { eventually } from "../harness/eventually";
import { TcpLink } from "../harness/tcp-link";

const withinMs = 5000;

/** Two ends with a link between: what each has received, and the sockets. */
async function scene() {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => (got.far += bytes.toString()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const got = { near: "", far: "" };
  const link = await TcpLink.open((server.address() as AddressInfo).port);
  const near = connect(link.port, "127.0.0.1");
  near.on("data", (bytes) => (got.near += bytes.toString()));
  near.on("error", () => undefined);
  await eventually("a connection", { withinMs }, () => accepted.length === 1);
  return {
    ...{ link, near, far: accepted[0]!, got, accepted },
    async [Symbol.asyncDispose]() {
      near.destroy();
      await link[Symbol.asyncDispose]();
      server.close();
    },
  };
}

describe("a link", () => {
  it("carries bytes both ways", async () => {
    await using it = await scene();
    it.near.write("there");
    it.far.write("back");
    await eventually("both", { withinMs }, () => it.got.far === "there" && it.got.near === "back");
  });

  it("holds back what is blocked in one direction, and delivers it in order when it is healed", async () => {
    await using it = await scene();
    it.link.shape("forth", { blocked: true });
    it.near.write("one ");
    it.near.write("two");
    it.far.write("back");
    await eventually("the open direction", { withinMs }, () => it.got.near === "back");
    expect(it.got.far).toBe("");
    it.link.heal();
    await eventually("what was held back", { withinMs }, () => it.got.far === "one two");
  });

  it("delivers late what is delayed, and slowly what is throttled", async () => {
    await using it = await scene();
    it.link.shape("forth", { delayMs: 200 });
    const from = performance.now();
    it.near.write("late");
    await eventually("the late bytes", { withinMs }, () => it.got.far === "late");
    expect(performance.now() - from).toBeGreaterThan(190);
    it.link.shape("forth", { bytesPerSecond: 1000 });
    const throttledFrom = performance.now();
    it.near.write("x".repeat(300));
    await eventually("the throttled bytes", { withinMs }, () => it.got.far.length === 304);
    expect(performance.now() - throttledFrom).toBeGreaterThan(290);
  });

  it("ends connections and refuses new ones while it is cut", async () => {
    await using it = await scene();
    it.link.cut();
    await eventually("the end", { withinMs }, () => it.near.destroyed && it.far.destroyed);
    const again = connect(it.link.port, "127.0.0.1").on("error", () => undefined);
    await once(again, "close");
    expect(it.accepted).toHaveLength(1);
    expect(it.link.connectionCount).toBe(0);
  });

  it("leaves one end believing when it is half-open, until it is healed", async () => {
    await using it = await scene();
    it.link.halfOpen();
    await eventually("the far end", { withinMs }, () => it.far.destroyed);
    it.near.write("for nobody");
    expect(it.near.destroyed).toBe(false);
    it.link.heal();
    await eventually("the near end", { withinMs }, () => it.near.destroyed);
  });
});
