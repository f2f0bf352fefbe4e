import type { Transport } from "@quorate/transport";

/** `transport` for a member of which only other members shall hear: everything else that it says is lost, and it is asked nothing. */
export function peersOnly(transport: Transport): Transport {
  const isForPeers = (subject: string): boolean => subject.split(".").includes("raft");
  return {
    get status() {
      return transport.status;
    },
    onStatus: (listener) => transport.onStatus(listener),
    publish: (subject, ...rest) => (isForPeers(subject) ? transport.publish(subject, ...rest) : true),
    subscribe: (subject, ...rest) =>
      isForPeers(subject) ? transport.subscribe(subject, ...rest) : { unsubscribe: () => undefined },
    request: (_subject, _payload, _options, callback) => callback({ kind: "not-sent" }),
    serve: (definition) => transport.serve(definition),
    flush: () => transport.flush(),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
