import { ClientPort, type ClientPortOptions, type ConnectionTakers } from "../client-port/client-port";

/** A port of its own for a spec. Protocols without a taker are turned away. */
export function testPort(
  takers: Partial<ConnectionTakers>,
  options: Partial<ClientPortOptions> = {},
): Promise<ClientPort> {
  const refuse: ConnectionTakers["http1"] = (socket) => void socket.destroy();
  return ClientPort.listen(
    { host: "127.0.0.1", port: 0, ...options },
    { http1: refuse, http2: refuse, ...takers },
  );
}
