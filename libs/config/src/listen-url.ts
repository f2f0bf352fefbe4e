import { matching } from "./schemas";

/** Of what a service may listen on, HTTP in the clear or in TLS. */
export const listenUrl = matching(
  /https?:\/\/(?:[^\s/:,[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}/,
  "http://HOST:PORT or https://HOST:PORT",
);

/** Of what is served in the clear only. */
export const plainListenUrl = matching(
  /http:\/\/(?:[^\s/:,[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}/,
  "http://HOST:PORT",
);

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly isEncrypted: boolean;
}

/** @param url As {@link listenUrl} allows. */
export function parseListenUrl(url: string): ListenAddress {
  const { hostname, protocol } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.slice(url.lastIndexOf(":") + 1)), // `URL` hides a port that is the scheme's default
    isEncrypted: protocol === "https:",
  };
}

/** @returns `url` with the port that was really taken. */
export function withPort(url: string, port: number): string {
  return `${url.slice(0, url.lastIndexOf(":"))}:${port}`;
}
