import { ConfigurationError } from "@quorate/config";
import { flagsOfEnvironment, takeEtcdFlags } from "./etcd-flags";

const SWITCHES = new Set(["client-cert-auth"]);

function take(...argv: readonly string[]): { args: readonly string[]; warnings: readonly string[] } {
  return takeEtcdFlags(argv, SWITCHES);
}

describe("takeEtcdFlags", () => {
  it.each([
    [["--name", "a"], ["--name=a"]],
    [["-name=a"], ["--name=a"]],
    [["--client-cert-auth"], ["--client-cert-auth"]],
    [["--client-cert-auth=true"], ["--client-cert-auth"]],
    [["--client-cert-auth=false"], ["--no-client-cert-auth"]],
    [
      ["--client-cert-auth", "--name", "a"],
      ["--client-cert-auth", "--name=a"],
    ],
    [["--experimental-watch-progress-notify-interval=5s"], ["--watch-progress-notify-interval=5s"]],
    [["--feature-gates=InitialCorruptCheck=true"], ["--initial-corrupt-check=on"]],
    [["--quota-backend-bytes", "-1"], ["--quota-backend-bytes=-1"]],
    [["--initial-cluster", "a=http://a:1,b=http://b:1"], ["--initial-cluster=a=http://a:1,b=http://b:1"]],
  ])("reads %j as etcd would", (given, args) => {
    expect(take(...given)).toEqual({ args, warnings: [] });
  });

  it.each([
    [["--snapshot-count", "10000"], "--snapshot-count has no effect: the log is compacted by"],
    [
      ["--experimental-peer-skip-client-san-verification"],
      "--experimental-peer-skip-client-san-verification has no effect",
    ],
    [["--enable-pprof"], "--enable-pprof has no effect"],
    [["--feature-gates=LeaseCheckpoint=true"], "feature gate LeaseCheckpoint has no effect"],
  ])("takes %j with a warning", (given, warning) => {
    const { args, warnings } = take(...given);
    expect(args).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });

  it("takes a flag that says what is so anyway, and refuses it when it says something else", () => {
    expect(take("--pre-vote", "--strict-reconfig-check=true", "--max-txn-ops=128")).toEqual({
      args: [],
      warnings: [],
    });
    expect(() => take("--max-txn-ops=1000")).toThrow('--max-txn-ops: given "1000", cannot be changed');
  });

  it("names everything that is refused at once, unless it is switched off", () => {
    expect(() => take("--auto-tls", "--wal-dir=/a", "--unsafe-no-fsync=false")).toThrow(ConfigurationError);
    expect(() => take("--auto-tls", "--wal-dir=/a", "--unsafe-no-fsync=false")).toThrow(
      /--auto-tls: .*\n.*--wal-dir: /,
    );
    expect(take("--unsafe-no-fsync=false")).toEqual({ args: [], warnings: [] });
  });
});

describe("flagsOfEnvironment", () => {
  it("turns etcd's variables into flags, but for those that the command line has", () => {
    const env = {
      ETCD_NAME: "a",
      ETCD_LISTEN_CLIENT_URLS: "http://a:1",
      ETCD_DATA_DIR: "",
      PATH: "/bin",
      ETCD_VERSION: "3",
    };
    expect(flagsOfEnvironment(env, new Set(["name"]))).toEqual(["--listen-client-urls=http://a:1"]);
  });
});
