import { fuzzGroup } from "./engine/fuzz-group";
import { jsonTargets } from "./targets/json-targets";

fuzzGroup("JSON", jsonTargets);
