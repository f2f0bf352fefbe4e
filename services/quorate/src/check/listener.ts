import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Listener {
  readonly pid: number;
  readonly command: string;
}

const LISTENING = "0A";

/** Who listens on a TCP port, as far as Linux tells this user; elsewhere nobody is known. */
export function listenerOf(port: number): Listener | undefined {
  try {
    const sockets = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => inodesOf(table, port)));
    if (sockets.size === 0) return undefined;
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)))
      if (holdsOneOf(name, sockets)) return { pid: Number(name), command: commandOf(name) };
  } catch {
    // no /proc
  }
  return undefined;
}

/** Columns: slot, local address as HEX_IP:HEX_PORT, remote address, state, …, inode as the tenth. */
function inodesOf(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync(table, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => local.endsWith(wanted) && state === LISTENING)
    .map((columns) => `socket:[${columns[9]}]`);
}

function holdsOneOf(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => sockets.has(readlinkSync(`${folder}/${fd}`)));
  } catch {
    return false; // another user's, or gone
  }
}

function commandOf(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
}
