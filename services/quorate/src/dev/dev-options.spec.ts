import { parseDevOptions, type DevFlags } from "./dev-options";

describe("parseDevOptions", () => {
  it("asks for one gateway at etcd's port, and leaves the rest to the data directory", () => {
    const options = parseDevOptions({});
    expect(options.clientUrls).toEqual(["http://127.0.0.1:2379"]);
    expect(options.members).toBeUndefined();
    expect(options.dataDir).toMatch(/^\/.*\.quorate\/dev$/);
  });

  it("gives further gateways the ports that follow", () => {
    expect(parseDevOptions({ gateways: "3" }).clientUrls.map((url) => new URL(url).port)).toEqual([
      "2379",
      "2380",
      "2381",
    ]);
  });

  it("makes as many gateways as there are addresses", () => {
    const { clientUrls } = parseDevOptions({ clientUrls: "http://127.0.0.1:1000, http://localhost:1001/" });
    expect(clientUrls).toEqual(["http://127.0.0.1:1000", "http://localhost:1001"]);
  });

  it("keeps what is meant for the members", () => {
    const { nodeFlags } = parseDevOptions({
      quotaBackendBytes: "-1",
      alarmClear: "manual",
      autoCompactionMode: "revision",
      autoCompactionRetention: "1000",
      logKeepEntries: "7",
      ballastBytes: "0",
      corruptCheckTime: "0",
      scrubInterval: "90m",
    });
    expect(nodeFlags).toEqual({
      "quota-backend-bytes": "-1",
      "alarm-clear": "manual",
      "auto-compaction-mode": "revision",
      "auto-compaction-retention": "1000",
      "log-keep-entries": "7",
      "ballast-bytes": "0",
      "corrupt-check-time": "0",
      "scrub-interval": "90m",
    });
    expect(parseDevOptions({}).nodeFlags).toEqual({ "ballast-bytes": "8388608" });
  });

  it.each<[DevFlags, RegExp]>([
    [{ members: "0" }, /--members needs a whole number from 1 to 7, not "0"/],
    [{ members: "3.5" }, /--members/],
    [{ gateways: "many" }, /--gateways/],
    [{ logKeepEntries: "0" }, /--log-keep-entries/],
    [{ clientUrls: "127.0.0.1:2379" }, /is not like http:\/\/127.0.0.1:2379/],
    [{ clientUrls: "https://127.0.0.1:2379" }, /is not like/],
    [{ clientUrls: "http://127.0.0.1:1,http://127.0.0.1:1" }, /twice/],
    [{ clientUrls: "http://127.0.0.1:1", gateways: "2" }, /as many --client-urls/],
    [{ eventSubjects: "maybe" }, /--event-subjects is on or off, not "maybe"/],
    [{ natsUrl: "localhost" }, /is not like nats:/],
    [
      { natsUrl: "nats://localhost:4222", brokerPort: "4333" },
      /--broker-port is for a broker that is started/,
    ],
    [{ brokerPort: "70000" }, /--broker-port/],
    [{ cluster: "a.b" }, /cannot be a name/],
    [{ quotaBackendBytes: "2GB" }, /--quota-backend-bytes needs a whole number, not "2GB"/],
    [{ ballastBytes: "-1" }, /--ballast-bytes needs a whole number, not "-1"/],
    [{ alarmClear: "never" }, /--alarm-clear is auto or manual/],
    [{ autoCompactionMode: "never" }, /periodic or revision, not "never"/],
    [{ autoCompactionRetention: "soon" }, /needs a time such as 10m/],
    [{ autoCompactionMode: "revision", autoCompactionRetention: "10m" }, /needs a number of revisions/],
  ])("refuses %p", (flags, text) => {
    expect(() => parseDevOptions(flags)).toThrow(text);
  });
});
