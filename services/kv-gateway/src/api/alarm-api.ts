import type { ActorRef } from "@quorate/actor";
import { decodeAlarmQuery } from "@quorate/wire";
import type { ReadCall, WriteCall } from "../actors/pending-call";
import type { ApiCalls } from "./api-calls";
import type { ApiMethod } from "./api-method";

export interface AlarmApiDependencies {
  readonly calls: ApiCalls;
  readonly proposer: ActorRef<WriteCall>;
  readonly linearizableReader: ActorRef<ReadCall>;
}

/** The alarms of the cluster: seen by a quorum, changed through the log. */
export class AlarmApi {
  constructor(private readonly dependencies: AlarmApiDependencies) {}

  readonly alarm: ApiMethod = (bytes, context, reply) =>
    this.dependencies.calls.checked(context, reply, () => {
      const { calls, proposer, linearizableReader } = this.dependencies;
      if (decodeAlarmQuery(bytes).action === "get") {
        const call = calls.begin("alarms", bytes, context, reply);
        linearizableReader.tell(call);
        return call;
      }
      const call = calls.begin("alarm", bytes, context, reply);
      proposer.tell(call);
      return call;
    });
}
