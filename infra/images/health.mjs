// What Docker asks to know whether a member or a gateway serves: exit code 0 if it says so, else 1.
const ANSWER_MS = 3000;
const url = process.argv[2] ?? process.env.QUORATE_HEALTH_URL ?? "http://127.0.0.1:2379/readyz";

ask().then(
  ({ isReady, text }) => {
    console.log(text.trim());
    process.exitCode = isReady ? 0 : 1;
  },
  (error) => {
    console.log(`${url}: ${error.cause?.message ?? error.message}`);
    process.exitCode = 1;
  },
);

async function ask() {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  return { isReady: answer.ok, text: await answer.text() };
}
