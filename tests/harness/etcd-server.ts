import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { CapturedOutput, killAndWait, run } from "./child-process";
import { EtcdClient } from "./etcd-client";
import { eventually } from "./eventually";
import { freePorts } from "./ports";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder";

/** The full path of a program of the PATH, `undefined` if it is not installed. */
export function findProgram(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A real etcd cluster on this machine, every member with its own process, ports and data. */
export class EtcdServer implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #members: readonly { readonly process: ChildProcess; readonly address: string }[];

  private constructor(
    folder: TemporaryFolder,
    members: readonly { readonly process: ChildProcess; readonly address: string }[],
  ) {
    this.#folder = folder;
    this.#members = members;
  }

  /**
   * Starts etcd as its packaging configures it: every write is synced to disk.
   *
   * @param memberCount 1, 3 or 5.
   * @param flags Added to the command line of every member.
   * @param snapshot A file from which every member is restored first, with etcd's own tool.
   * @throws {NotInTimeError} No leader within 20 s; the log of the members is in the message.
   */
  static async start(
    memberCount: number,
    flags: readonly string[] = [],
    snapshot?: string,
  ): Promise<EtcdServer> {
    const program = findProgram("etcd");
    if (program === undefined) throw new Error("Cannot start etcd: it is not installed");
    const folder = await temporaryFolder("etcd");
    const ports = await freePorts(memberCount * 2);
    const plan = Array.from({ length: memberCount }, (_, i) => ({
      name: `etcd${i + 1}`,
      clientUrl: `http://127.0.0.1:${ports[2 * i]}`,
      peerUrl: `http://127.0.0.1:${ports[2 * i + 1]}`,
      address: `127.0.0.1:${ports[2 * i]}`,
    }));
    const initialCluster = plan.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
    if (snapshot !== undefined) {
      for (const { name, peerUrl } of plan) {
        const dataDir = join(folder.path, name);
        const { exitCode, stderr } = await run(
          "etcdctl",
          [
            ...["snapshot", "restore", snapshot, "--data-dir", dataDir, "--name", name],
            ...["--initial-cluster", initialCluster, "--initial-advertise-peer-urls", peerUrl],
          ],
          { environment: { ETCDCTL_API: "3" }, timeoutMs: 30_000 },
        );
        if (exitCode !== 0) throw new Error(`Cannot restore ${snapshot}\n${stderr}`);
      }
    }
    const members = plan.map(({ name, clientUrl, peerUrl, address }) => {
      const child = spawn(
        program,
        [
          ...["--name", name, "--data-dir", join(folder.path, name)],
          ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
          ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
          ...["--initial-cluster", initialCluster, "--initial-cluster-state", "new"],
          ...flags,
          ...["--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn"],
        ],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      return { process: child, address, output: new CapturedOutput(child) };
    });
    const server = new EtcdServer(folder, members);
    try {
      await server.leaderAddress();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      const logs = members.map(({ output }) => output.stderr).join("\n");
      throw new Error(`Cannot start etcd\n${logs}`, { cause: error });
    }
  }

  /** host:port of every member. */
  get addresses(): readonly string[] {
    return this.#members.map(({ address }) => address);
  }

  /** host:port of the first member. */
  get address(): string {
    return this.addresses[0] as string;
  }

  /** host:port of the member that leads, once every member agrees on who that is. */
  async leaderAddress(): Promise<string> {
    const clients = this.addresses.map((address) => new EtcdClient({ address }));
    try {
      return await eventually("etcd to elect a leader", { withinMs: 20_000 }, async () => {
        const all = await Promise.all(clients.map((client) => client.status(1000)));
        const leaders = new Set(all.map(({ leader }) => leader.toString()));
        const [leader] = leaders;
        if (leaders.size !== 1 || leader === "0") return undefined;
        const at = all.findIndex(({ header }) => header?.memberId?.toString() === leader);
        return this.addresses[at];
      });
    } finally {
      for (const client of clients) client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map(({ process }) => killAndWait(process)));
    await this.#folder[Symbol.asyncDispose]();
  }
}
