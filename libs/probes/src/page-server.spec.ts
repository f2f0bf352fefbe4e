import { instantCheck, StopNotice } from "./health-check";
import { ListenError } from "./listen-error";
import { PageServer } from "./page-server";

const ANY_PORT = "http://127.0.0.1:0";

describe("PageServer", () => {
  const stopNotice = new StopNotice();
  let fault: string | undefined = "no node feeds it";
  let server: PageServer;

  beforeAll(async () => {
    const ready = [instantCheck("feed", () => fault), stopNotice.check];
    server = await PageServer.listen({ urls: [ANY_PORT] }, { ready });
  });

  afterAll(() => server[Symbol.asyncDispose]());

  async function get(path: string, method = "GET"): Promise<[status: number, text: string]> {
    const response = await fetch(`http://127.0.0.1:${server.ports[0]}${path}`, { method });
    return [response.status, await response.text()];
  }

  it("is alive whatever is wrong, and ready when nothing is", async () => {
    expect(await get("/livez")).toEqual([200, "ok\n"]);
    expect(await get("/readyz")).toEqual([503, "[-]feed failed: no node feeds it\n[+]not_stopping ok\n"]);
    expect(await get("/readyz?exclude=feed")).toEqual([200, "ok\n"]);
    expect(await get("/readyz/feed")).toEqual([503, "[-]feed failed: no node feeds it\n"]);
    expect(await get("/health")).toEqual([503, '{"health":"false","reason":"no node feeds it"}']);
    fault = undefined;
    expect(await get("/readyz?verbose")).toEqual([200, "[+]feed ok\n[+]not_stopping ok\nok\n"]);
    expect(await get("/health")).toEqual([200, '{"health":"true","reason":""}']);
  });

  it("is not ready, but alive, once it was asked to end", async () => {
    stopNotice.give();
    expect(await get("/readyz/not_stopping")).toEqual([
      503,
      "[-]not_stopping failed: this process was asked to end\n",
    ]);
    expect(await get("/livez")).toEqual([200, "ok\n"]);
  });

  it("shows its process and its checks to Prometheus", async () => {
    const [, text] = await get("/metrics");
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(text).toMatch(/^etcd_server_healthcheck\{type="readyz",name="feed"\} 1$/m);
  });

  it("has no other pages, and takes nothing but GET", async () => {
    expect(await get("/v3/kv/range")).toEqual([404, "404 page not found\n"]);
    expect(await get("/readyz", "POST")).toEqual([405, "Method Not Allowed\n"]);
  });

  it("does not share its address", async () => {
    const url = `http://127.0.0.1:${server.ports[0]}`;
    await expect(PageServer.listen({ urls: [ANY_PORT, url] }, { ready: [] })).rejects.toThrow(ListenError);
  });
});
