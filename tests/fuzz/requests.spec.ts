import { fuzzGroup } from "./engine/fuzz-group";
import { requestsTargets } from "./targets/requests-targets";

fuzzGroup("request", requestsTargets);
