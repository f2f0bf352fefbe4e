import { rpcSchemaOf } from "@quorate/wire";
import type { ApiMethods } from "../api/methods";
import { definite } from "../api/request-failure";
import { statusOf } from "../grpc/status";
import type { HttpHandler } from "@quorate/probes";
import { answerError } from "./answer";
import type { RouteDependencies } from "./route";
import { RPC_PATHS, WITHOUT_PATH } from "./rpc-paths";
import { answerStreamError, streamRoute, type OpenStreams } from "./stream-route";
import { unaryRoute, unimplementedFailure } from "./unary-route";

/** A handler for every path of etcd's gateway, and the streams that run behind them. */
export interface RpcRoutes {
  readonly handlers: ReadonlyMap<string, HttpHandler>;
  /** Ends all streams as a server does that stops. */
  stop(): void;
}

/** @throws {Error} `methods` names one that the protos do not have, or that has no path. */
export function rpcRoutes(methods: ApiMethods, dependencies: RouteDependencies): RpcRoutes {
  const { unary, streams } = methods;
  const openStreams: OpenStreams = new Set();
  const handlerOf = (name: string): HttpHandler => {
    const [call, stream] = [unary[name], streams[name]];
    if (call !== undefined) return unaryRoute(name, call, dependencies);
    if (stream !== undefined) return streamRoute(name, stream, openStreams, dependencies);
    return unimplementedRoute(name);
  };
  const named = new Set(Object.values(RPC_PATHS));
  for (const name of [...Object.keys(unary), ...Object.keys(streams)]) {
    if (!named.has(name) && !WITHOUT_PATH.has(name)) throw new Error(`no path for ${name}`);
  }
  const byName = new Map([...named].map((name) => [name, handlerOf(name)] as const));
  return {
    handlers: new Map(Object.entries(RPC_PATHS).map(([path, name]) => [path, byName.get(name)!] as const)),
    stop: () => {
      for (const stream of [...openStreams]) stream.abort(definite("stopped"));
    },
  };
}

function unimplementedRoute(name: string): HttpHandler {
  const failure = unimplementedFailure(name);
  const { responseStream } = rpcSchemaOf(name);
  return (_request, response) => {
    if (responseStream) answerStreamError(response, failure);
    else answerError(response, statusOf(failure));
  };
}
