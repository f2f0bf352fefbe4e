import { contextOf, encodeStatusMessage, trailersOf } from "./headers";

describe("headers of gRPC", () => {
  it("carry texts as percent-encoded UTF-8", () => {
    expect(encodeStatusMessage("etcdserver: 100% of ä key\n")).toBe("etcdserver: 100%25 of %C3%A4 key%0A");
    expect(encodeStatusMessage("\ud800")).toBe("%EF%BF%BD");
    expect(trailersOf({ code: 0, message: "" })).toEqual({ "grpc-status": "0" });
  });

  it.each([
    ["5S", 5000],
    ["1H", 3_600_000],
    ["2500000u", 2500],
    ["7m", 7],
  ])("tell that %s is %d ms", (header, timeoutMs) => {
    expect(contextOf({ "grpc-timeout": header })).toMatchObject({ timeoutMs, requireLeader: false });
  });

  it.each(["5", "S", "123456789S", "-1S", "1.5S"])("refuse a timeout of %s", (header) => {
    expect(contextOf({ "grpc-timeout": header })).toBe(`invalid grpc-timeout: ${header}`);
  });

  it("tell what the caller asks for beside the request", () => {
    const headers = { hasleader: "true", traceparent: "00-1-2-01", token: "t" };
    expect(contextOf(headers)).toMatchObject({
      timeoutMs: Infinity,
      requireLeader: true,
      traceparent: "00-1-2-01",
      token: "t",
    });
    expect(contextOf({ authorization: "Bearer t" })).toMatchObject({ token: "t" });
  });
});
