import { fuzzGroup } from "./engine/fuzz-group";
import { rowsTargets } from "./targets/rows-targets";

fuzzGroup("stored row", rowsTargets);
