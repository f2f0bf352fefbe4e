import { fuzzGroup } from "./engine/fuzz-group";
import { grpcTargets } from "./targets/grpc-targets";

fuzzGroup("gRPC and HTTP/2", grpcTargets);
