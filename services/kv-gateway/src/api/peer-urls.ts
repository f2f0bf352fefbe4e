/**
 * The peer URLs of a member that is added, sorted as etcd stores them, or `undefined` where etcd refuses them: they are
 * `http://HOST:PORT` or `https://HOST:PORT` without a path, or of a Unix socket. Here nobody connects to them. A broker's
 * address will do as well: it is what members name that were given none, and what they name can be given back.
 */
export function checkedPeerUrls(urls: readonly string[]): string[] | undefined {
  const trimmed = urls.map((url) => url.trim());
  return trimmed.length > 0 && trimmed.every(isPeerUrl) ? trimmed.sort() : undefined;
}

function isPeerUrl(url: string): boolean {
  // By hand: URL leaves out default ports and adds a path, and both decide here.
  if (/^unixs?:\/\//.test(url)) return true;
  const host =
    /^(?:https?|nats|tls):\/\/(?:[^\s/?#@]*@)?(\[[0-9a-fA-F:.%]+\]|[^\s/?#:@[\]]*):([^\s/?#:]*)(?:[?#].*)?$/.exec(
      url,
    );
  return host !== null && /^\d*$/.test(host[2]!);
}
