import { fuzzGroup } from "./engine/fuzz-group";
import { transportTargets } from "./targets/transport-targets";

fuzzGroup("transport", transportTargets);
