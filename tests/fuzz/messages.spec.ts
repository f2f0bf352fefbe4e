import { fuzzGroup } from "./engine/fuzz-group";
import { messagesTargets } from "./targets/messages-targets";

fuzzGroup("cluster message", messagesTargets);
