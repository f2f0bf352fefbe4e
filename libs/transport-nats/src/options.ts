import { DEFAULT_FRAGMENT_BYTES, type TransportCoreOptions } from "@quorate/transport";
import type { Authenticator, ConnectionOptions, TlsOptions } from "nats";
import { TransportConfigurationError } from "./errors";
import type { TransportNotice } from "./notice";

export interface NatsTransportOptions extends TransportCoreOptions {
  /** `host:port` or `nats://host:port`; one of them is chosen at random, the others are tried when it fails. */
  readonly servers: readonly string[];
  /** Shown in the broker's monitoring. */
  readonly name: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Proves who this is by a key, instead of a password. */
  readonly authenticator?: Authenticator;
  readonly tls?: TlsOptions;
  /** Begins the private reply subject; permissions can be given for `<prefix>.>`. Default `_INBOX`. */
  readonly inboxPrefix?: string;
  /** Milliseconds between pings to the broker. Default 500. */
  readonly pingIntervalMs?: number;
  /** Pings without an answer after which the connection is given up, at the next ping. Default 2. */
  readonly pingOutMax?: number;
  /** Milliseconds between attempts to reconnect, plus as much again at random. There is no limit of attempts. Default 50. */
  readonly reconnectWaitMs?: number;
  /** Milliseconds until `connect` fails, and until one later attempt to reconnect does. Default 2000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds that closing waits for what is under way. Default 1000. */
  readonly drainTimeoutMs?: number;
  /**
   * When the broker announces its end and there is another one: done while this one still delivers, before the transport moves.
   * Default: nothing.
   */
  readonly beforeMove?: () => Promise<void>;
  /** How long that may take, with what is under way, in milliseconds. Default 1000. */
  readonly moveWithinMs?: number;
  /** Called synchronously from the connection; must not throw. */
  readonly onNotice?: (notice: TransportNotice) => void;
}

/** Room in the broker's limit for the headers of a message, ours and the caller's. */
const HEADER_BYTES_MAX = 4096;

/** What the broker's `max_payload` must be at least: it counts headers too. */
export function neededPayloadBytes(options: NatsTransportOptions): number {
  return (options.fragmentBytes ?? DEFAULT_FRAGMENT_BYTES) + HEADER_BYTES_MAX;
}

export function connectTimeoutMsOf(options: NatsTransportOptions): number {
  return options.connectTimeoutMs ?? 2000;
}

export function reconnectWaitMsOf(options: NatsTransportOptions): number {
  return options.reconnectWaitMs ?? 50;
}

/** Every setting of the library that matters, so that its defaults (2 minutes of silence, 10 attempts) never apply. */
export function connectionOptions(options: NatsTransportOptions): ConnectionOptions {
  const waitMs = reconnectWaitMsOf(options);
  return {
    servers: [...options.servers],
    name: options.name,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.pass === undefined ? {} : { pass: options.pass }),
    ...(options.token === undefined ? {} : { token: options.token }),
    ...(options.authenticator === undefined ? {} : { authenticator: options.authenticator }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    pingInterval: options.pingIntervalMs ?? 500,
    maxPingOut: options.pingOutMax ?? 2,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: waitMs,
    reconnectJitter: waitMs,
    reconnectJitterTLS: waitMs,
    timeout: connectTimeoutMsOf(options),
    // A stack trace per request would be the most expensive part of it.
    noAsyncTraces: true,
  };
}

/** @throws {TransportConfigurationError} */
export function checkOptions(options: NatsTransportOptions): void {
  if (options.servers.length === 0) {
    throw new TransportConfigurationError("Cannot connect to a broker: the servers option is empty", {});
  }
  if (options.fragmentBytes !== undefined && options.fragmentBytes < 1) {
    throw new TransportConfigurationError("Cannot split messages into parts without bytes", {
      fragmentBytes: options.fragmentBytes,
    });
  }
}

/** @throws {TransportConfigurationError} */
export function checkPayloadLimit(options: NatsTransportOptions, maxPayload: number): void {
  const needed = neededPayloadBytes(options);
  if (maxPayload >= needed) return;
  throw new TransportConfigurationError(
    `Cannot use the broker: it takes messages of ${maxPayload} bytes, ${needed} are needed. ` +
      `Set max_payload in its configuration to at least ${needed}, or lower fragmentBytes`,
    { maxPayload, needed },
  );
}
