import type { TransportStatus } from "@quorate/transport";
import { DebugEvents, Events, type NatsConnection, type Status } from "nats";
import type { ClientInternals } from "./client-internals";
import type { TransportNotice } from "./notice";

/** Turns one event of the library into a change of status, a notice, or both. */
export function reportStatus(
  event: Status,
  options: { readonly neededPayloadBytes: number; readonly onNotice: (notice: TransportNotice) => void },
  dependencies: {
    readonly connection: NatsConnection;
    readonly internals: ClientInternals;
    readonly changed: (status: TransportStatus) => void;
  },
): void {
  const { connection, internals, changed } = dependencies;
  switch (event.type) {
    case Events.Disconnect:
      return changed("disconnected");
    case Events.Reconnect: {
      // The event is a few turns old: the new connection may be gone again, and the next event will tell.
      if (!internals.connected) return;
      const maxPayload = connection.info?.max_payload ?? 0;
      if (maxPayload < options.neededPayloadBytes) {
        options.onNotice({ kind: "payload-limit", maxPayload, needed: options.neededPayloadBytes });
      }
      return changed("connected");
    }
    case DebugEvents.StaleConnection:
      options.onNotice({ kind: "stale-connection", server: connection.getServer() });
      changed("disconnected");
      return internals.destroySocket();
    case DebugEvents.Reconnecting:
      return internals.destroyAbandonedSocket();
    case Events.LDM:
      return options.onNotice({ kind: "lame-duck", server: described(event.data) });
    case Events.Error:
      return options.onNotice(errorNotice(event));
    default:
      return; // pings, servers learnt from the cluster
  }
}

function errorNotice(event: Status): TransportNotice {
  const context = event.permissionContext;
  if (context === undefined) return { kind: "broker-error", error: described(event.data) };
  const { operation, subject } = context;
  return {
    kind: "permission-denied",
    operation: operation === "publish" || operation === "subscription" ? operation : "unknown",
    subject,
  };
}

/** The library types what an event carries loosely; an error's code or a server's address come as text. */
function described(data: Status["data"]): string {
  return typeof data === "string" ? data : JSON.stringify(data);
}
