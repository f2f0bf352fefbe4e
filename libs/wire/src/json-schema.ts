import { Root, type Field, type INamespace, type Type } from "protobufjs/light";
import "./protocol"; // sets the nesting limit, which reflection obeys too

// `require` and not `import`: the file lies outside of `src`, and bundlers inline it either way.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const description = require("../gen/protocol.json") as INamespace;

let loaded: Root | undefined;
const fieldsByType = new WeakMap<Type, ReadonlyMap<string, Field>>();

/** The reflected message type of that full name. Names are chosen by routes, not by clients. */
export function findMessageType(name: string): Type {
  return root().lookupType(name);
}

/** A method of a service of the protos, by the full names of its messages. */
export interface RpcSchema {
  readonly request: string;
  readonly response: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/**
 * @param name `etcdserverpb.KV/Range`, as in the path of a gRPC call. Chosen by routes, not by clients.
 * @throws {Error} there is no such service or method.
 */
export function rpcSchemaOf(name: string): RpcSchema {
  const [service = "", method = ""] = name.split("/");
  const rpc = root().lookupService(service).methods[method];
  if (rpc === undefined) throw new Error(`no such method: ${name}`);
  const { resolvedRequestType, resolvedResponseType, requestStream, responseStream } = rpc;
  return {
    request: fullNameOf(resolvedRequestType!),
    response: fullNameOf(resolvedResponseType!),
    requestStream: requestStream === true,
    responseStream: responseStream === true,
  };
}

/** Fields under every name that input may use for them: as in the proto, and in lowerCamelCase. */
export function inputFieldsOf(type: Type): ReadonlyMap<string, Field> {
  let fields = fieldsByType.get(type);
  if (fields === undefined) {
    fields = new Map(
      type.fieldsArray.flatMap((field) => [
        [lowerCamelCase(field.name), field] as const,
        [field.name, field] as const,
      ]),
    );
    fieldsByType.set(type, fields);
  }
  return fields;
}

/** A member of a oneof that the proto declares; `optional` fields are kept in oneofs of their own, which do not count. */
export function isOneofMember(field: Field): boolean {
  return field.partOf !== null && !field.partOf.isProto3Optional;
}

/** Without the dot that stands for the root. */
function fullNameOf({ fullName }: Type): string {
  return fullName.slice(1);
}

/** Built on first use: most processes never speak JSON. */
function root(): Root {
  if (loaded === undefined) {
    loaded = Root.fromJSON(description);
    loaded.resolveAll();
  }
  return loaded;
}

/** As protoc derives JSON names: an underscore goes, and the letter after it becomes a capital. */
function lowerCamelCase(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
