import { runLoad, type LoadOptions } from "./load";

// A process of its own for each run: what one run leaves in memory, and how the compiler has shaped itself to it, must
// not weigh on the next. Options come as JSON in the first argument, the result goes to stdout as JSON.
const options = JSON.parse(process.argv[2] ?? "") as LoadOptions;
runLoad(options).then(
  (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  },
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
