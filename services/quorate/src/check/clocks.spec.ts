import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { checkClocks } from "./clocks";

describe("checkClocks", () => {
  let server: Server;
  let url: string;
  let aheadMs = 0;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.setHeader("Date", new Date(Date.now() + aheadMs).toUTCString());
      response.end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  it.each([
    [0, "ok", "within two seconds"],
    [-3_600_000, "warning", /36\d\d s behind this one/],
    [60_000, "warning", /(59|60|61) s ahead of this one/],
  ])("sees a clock that is off by %d ms", async (given, state, text) => {
    aheadMs = given;
    expect(await checkClocks([url])).toEqual([
      expect.objectContaining({ state, text: expect.stringMatching(text) }),
    ]);
  });

  it("warns of who does not answer, and asks nobody whose certificate it could not check", async () => {
    expect(await checkClocks(["http://127.0.0.1:1", "https://127.0.0.1:1"])).toMatchObject([
      { state: "warning" },
    ]);
  });
});
