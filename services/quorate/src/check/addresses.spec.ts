import { createServer, type AddressInfo, type Server } from "node:net";
import { checkAddresses } from "./addresses";

describe("checkAddresses", () => {
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => server.close());

  async function found(given: string, own?: string) {
    const [finding] = await checkAddresses([{ flag: "--listen", url: given }], own);
    return finding!;
  }

  it("tells who has taken one, where the system does", async () => {
    const { state, text } = await found(url);
    expect(state).toBe("error");
    expect(text).toContain(
      process.platform === "linux" ? `is taken by process ${process.pid} (` : "is taken by",
    );
  });

  it("does not mind what the member itself has taken, because it runs", async () => {
    if (process.platform !== "linux") return;
    const { state, text } = await found(url, process.argv[0]);
    expect([state, text]).toEqual(["warning", expect.stringContaining("this member runs already")]);
  });

  it("takes a free one, and none of another machine", async () => {
    expect(await found("http://127.0.0.1:0")).toMatchObject({ state: "ok" });
    expect(await found("http://192.0.2.1:2379")).toMatchObject({ state: "error" }); // RFC 5737: nobody's
  });
});
