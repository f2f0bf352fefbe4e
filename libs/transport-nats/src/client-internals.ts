import type { Msg, NatsConnection, Status } from "nats";
import { TransportConfigurationError } from "./errors";

/**
 * The few parts of the client library that it does not publish and that we cannot do without, in one place, checked when
 * connecting. Version 2.29.3 is pinned; read `nats-base-client/protocol.js` again before moving on.
 */
export interface ClientInternals {
  /** True only between a complete handshake and the end of its socket. The public interface does not tell. */
  readonly connected: boolean;
  /** Called synchronously with each status; the public iterator tells only some turns later. */
  onStatus(listener: (status: Status) => void): void;
  /** Destroys the socket at once. The library's own way waits for pending writes, which a paused broker never takes. */
  destroySocket(): void;
  /** Destroys what a reconnect attempt left behind that timed out; the library only forgets such sockets. */
  destroyAbandonedSocket(): void;
  /** Adds those of `servers` that the library dropped because they did not answer when it connected first. */
  restoreServers(servers: readonly string[]): void;
  /** Brokers that it may dial, those that the broker told of included. */
  readonly serverCount: number;
  /**
   * From now on it also dials after the system's clock was set back. By itself it leaves a broker alone until some time after the
   * last attempt, and would wait for that attempt's time to come again: as long as the clock was set back.
   */
  dialWhateverTheClock(): void;
  /** From now on a refused login is tried again like any other failure, instead of closing the client for good. */
  keepTryingAfterRefusal(): void;
}

interface Protocol {
  readonly connected: boolean;
  readonly listeners: { push(status: Status): void; stop(): void }[];
  readonly transport:
    { readonly connected: boolean; readonly socket?: { destroy(): void } | undefined } | undefined;
  readonly servers: {
    /** `lastConnect`: when it was dialled last, in milliseconds since 1970; 0 is never. */
    getServers(): readonly { readonly src: string; lastConnect: number }[];
    addServer(url: string, gossiped: boolean): void;
  };
  /** The handler is asked before each attempt. */
  readonly options: { ignoreAuthErrorAbort?: boolean; reconnectDelayHandler: () => number };
}

/** @throws {TransportConfigurationError} The library is not the version that this was written for. */
export function internalsOf(connection: NatsConnection): ClientInternals {
  const { protocol } = connection as NatsConnection & { readonly protocol?: Partial<Protocol> };
  if (!isProtocol(protocol)) {
    throw new TransportConfigurationError(
      "Cannot use this version of the nats package: 2.29.3 is expected",
      {},
    );
  }
  return {
    get connected() {
      return protocol.connected;
    },
    onStatus: (listener) => void protocol.listeners.push({ push: listener, stop: () => {} }),
    destroySocket: () => protocol.transport?.socket?.destroy(),
    destroyAbandonedSocket: () => {
      if (protocol.transport?.connected === false) protocol.transport.socket?.destroy();
    },
    get serverCount() {
      return protocol.servers.getServers().length;
    },
    restoreServers: (servers) => {
      const known = new Set(protocol.servers.getServers().map(({ src }) => src));
      for (const server of servers) if (!known.has(server)) protocol.servers.addServer(server, false);
    },
    dialWhateverTheClock: () => {
      const delayMs = protocol.options.reconnectDelayHandler;
      protocol.options.reconnectDelayHandler = () => {
        const now = Date.now();
        for (const server of protocol.servers.getServers())
          if (server.lastConnect > now) server.lastConnect = 0;
        return delayMs();
      };
    },
    keepTryingAfterRefusal: () => {
      protocol.options.ignoreAuthErrorAbort = true;
    },
  };
}

function isProtocol(protocol: Partial<Protocol> | undefined): protocol is Protocol {
  return (
    typeof protocol?.connected === "boolean" &&
    Array.isArray(protocol.listeners) &&
    typeof protocol.transport === "object" &&
    typeof protocol.servers?.getServers === "function" &&
    typeof protocol.servers.addServer === "function" &&
    typeof protocol.options?.reconnectDelayHandler === "function"
  );
}

interface RawMessage {
  /** `hdr` is where the headers end; -1 without any. */
  readonly _msg: { readonly hdr: number };
  readonly _rdata: Uint8Array;
}

/** The bytes before the payload, which the library only hands out decoded, by a reader that must not see what strangers send. */
export function headerBytesOf(message: Msg): Uint8Array | undefined {
  const { msg = message } = message as { readonly msg?: Msg }; // what an endpoint of a service gets is wrapped
  const { _msg, _rdata } = msg as unknown as RawMessage;
  return _msg.hdr > -1 ? _rdata.subarray(0, _msg.hdr) : undefined;
}
