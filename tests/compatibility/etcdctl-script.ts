import { run } from "../harness/child-process";

/** One run of etcdctl. */
export interface EtcdctlCommand {
  readonly args: readonly string[];
  /** Typed by the user; interactive `txn` reads its three parts from there. */
  readonly input?: string;
  /** For commands that do not end by themselves: milliseconds after which they are killed. */
  readonly timeoutMs?: number;
}

/** What the user sees of it, with whatever differs between any two clusters replaced by a word. */
export interface EtcdctlResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs etcdctl against the server at `address` (host:port). */
export async function etcdctl(address: string, command: EtcdctlCommand): Promise<EtcdctlResult> {
  const { exitCode, stdout, stderr } = await run("etcdctl", [`--endpoints=${address}`, ...command.args], {
    ...(command.input === undefined ? {} : { input: command.input }),
    environment: { ETCDCTL_API: "3" },
    timeoutMs: command.timeoutMs ?? 15_000,
  });
  return { exitCode, stdout: withoutIdentity(stdout, address), stderr: withoutIdentity(stderr, address) };
}

/** Ids, addresses, times and raft terms say which cluster answered, not how it behaves. */
function withoutIdentity(text: string, address: string): string {
  return text
    .replaceAll(address, "ADDRESS")
    .replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0')
    .replace(/"(ClusterID|MemberID|RaftTerm)" : \d+/g, '"$1" : 0')
    .replace(/took = \d+(\.\d+)?[µm]?s/g, "took = TIME")
    .replace(/\{"level":"warn","ts":"[^"]*"/g, '{"level":"warn","ts":"TIME"')
    .replace(/"took":"[^"]*"/g, '"took":"TIME"')
    .replace(/"target":"[^"]*"/g, '"target":"TARGET"')
    .replace(/endpoint:\/\/client-[0-9a-f-]+/g, "endpoint://CLIENT");
}

export function command(...args: readonly string[]): EtcdctlCommand {
  return { args };
}

const put = (key: string, value: string): EtcdctlCommand => command("put", key, value);

/** Run one after the other, each against both servers, whose outputs must then be the same. */
export const etcdctlScript: readonly EtcdctlCommand[] = [
  put("app/one", "1"),
  put("app/two", "22"),
  put("app/three", "333"),
  put("other", ""),
  command("put", "app/one", "11", "--prev-kv"),
  command("put", "app/new", "x", "--prev-kv"),
  command("put", "app/one", "--ignore-value"),
  command("put", "app/absent", "--ignore-value"),
  command("put", "app/one", "y", "--lease=70"),
  command("put", "app/one", "y", "-w", "json"),
  command("put", "app/one", "y", "--prev-kv", "-w", "json"),
  { args: ["put", "app/stdin"], input: "read from standard input\nwith two lines" },
  command("get", "app/one"),
  command("get", "app/one", "--print-value-only"),
  command("get", "app/none"),
  command("get", "app/one", "-w", "json"),
  command("get", "app/one", "-w", "fields"),
  command("get", "app/one", "--hex"),
  command("get", "app/one", "app/two"),
  command("get", "app/", "--prefix"),
  command("get", "", "--prefix"),
  command("get", "app/o", "--from-key"),
  command("get", "app/", "--prefix", "--limit=2"),
  command("get", "app/", "--prefix", "--limit=2", "-w", "json"),
  command("get", "app/", "--prefix", "--keys-only"),
  command("get", "app/", "--prefix", "--keys-only", "-w", "json"),
  command("get", "app/", "--prefix", "--count-only", "-w", "fields"), // etcdctl 3.4 prints its usage; later ones ask
  command("get", "app/", "--prefix", "--rev=5"),
  command("get", "app/", "--prefix", "--rev=5", "-w", "json"),
  command("get", "app/", "--prefix", "--rev=9999"),
  command("get", "app/", "--prefix", "--consistency=s"),
  ...["CREATE", "KEY", "MODIFY", "VALUE", "VERSION"].flatMap((target) =>
    ["ASCEND", "DESCEND"].map((order) =>
      command("get", "app/", "--prefix", `--sort-by=${target}`, `--order=${order}`),
    ),
  ),
  command("get", "app/", "--prefix", "--sort-by=VERSION", "--order=DESCEND", "--limit=1", "-w", "json"),
  {
    args: ["txn", "-i"],
    input: 'value("app/two") = "22"\n\nput app/two changed\nget app/two\n\nput app/two wrong\n\n',
  },
  {
    args: ["txn", "-i"],
    input: 'mod("app/two") < "3"\n\nput app/two wrong\n\nget app/two\ndel app/new --prev-kv\n\n',
  },
  { args: ["txn"], input: 'create("app/none") = "0"\nversion("app/one") > "0"\n\nput app/none made\n\n\n' },
  {
    args: ["txn", "-w", "json"],
    input: 'version("app/none") = "1"\n\nget app/ --prefix\ndel app/stdin\n\n\n',
  },
  { args: ["txn"], input: "\nput app/same 1\nput app/same 2\n\n\n" },
  command("del", "app/none", "--prev-kv"),
  command("del", "app/none"),
  command("del", "app/t", "--prefix", "--prev-kv"),
  command("del", "app/", "app/zzz", "--prev-kv", "-w", "json"),
  command("del", "other", "-w", "json"),
  command("del", "", "--from-key=true"),
  command("endpoint", "hashkv"),
  command("endpoint", "hashkv", "--rev=3"),
  // With addresses from the member list, which are URLs.
  command("endpoint", "hashkv", "--cluster"),
  command("endpoint", "health", "--cluster"),
  command("defrag", "--cluster"),
  command("compaction", "9999"),
  command("compaction", "6"),
  command("compaction", "6"),
  command("compaction", "7", "--physical"),
  command("get", "app/one", "--rev=6"),
  command("get", "app/one", "--rev=7"),
  command("lease", "list"),
  command("lease", "revoke", "1234abcd"),
  command("lease", "timetolive", "1234abcd"),
  command("lease", "timetolive", "1234abcd", "--keys", "-w", "json"),
  command("lease", "keep-alive", "--once", "1234abcd"),
  command("lease", "grant", "9000000001"),
  command("lease", "grant"),
  command("defrag"),
  command("endpoint", "health"),
  command("endpoint", "health", "-w", "json"),
];
