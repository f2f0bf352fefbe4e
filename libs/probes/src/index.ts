export { answer, answerJson, answerText, CORS_HEADERS, queryOf, type HttpHandler } from "./answer";
export { brokerCheck, instantCheck, StopNotice, type HealthCheck, type HealthVerdict } from "./health-check";
export { ListenError } from "./listen-error";
export { PageServer, type PageServerDependencies, type PageServerOptions } from "./page-server";
export { healthPage, probePages, runChecks, type Page, type Probe } from "./probe-pages";
