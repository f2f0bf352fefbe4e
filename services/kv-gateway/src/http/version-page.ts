import { utf8 } from "@quorate/base";
import { answerJson, type HttpHandler } from "@quorate/probes";
import { ETCD_CLUSTER_VERSION, ETCD_COMPATIBLE_VERSION, ETCD_STORAGE_VERSION } from "../version";

const VERSIONS = utf8(
  JSON.stringify({
    etcdserver: ETCD_COMPATIBLE_VERSION,
    etcdcluster: ETCD_CLUSTER_VERSION,
    storage: ETCD_STORAGE_VERSION,
  }),
);

/** `/version`: which etcd clients may take this for. Each part of each number is a plain integer, as Patroni parses them. */
export const versionPage: HttpHandler = (_request, response) => answerJson(response, 200, VERSIONS);
