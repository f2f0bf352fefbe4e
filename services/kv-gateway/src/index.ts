export { checkTlsSettings, TLS_SETTINGS, type TlsSettings } from "./client-port/tls-settings";
export { Gateway, type GatewayDependencies, type GatewayOptions } from "./gateway";
export { parseGatewayOptions, type GatewayProcessOptions } from "./options";
export { ETCD_COMPATIBLE_VERSION } from "./version";
export { startGateway, type GatewayEnvironment, type RunningGateway } from "./wiring";
