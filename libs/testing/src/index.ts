export {
  parseCommand,
  replayTranscript,
  runTranscript,
  transcriptsIn,
  TranscriptError,
  type TranscriptCommand,
  type TranscriptFile,
  type TranscriptRunner,
} from "./transcript";
export * from "./nats-server";
export { TraceCollector, type ExportedSpan } from "./trace-collector";
export { testCertificate, testKey, type TestCertificateName } from "./test-certificates";
