// Preloaded for compiled tests that import a service's sources (`../../services/X/src/Y`): tsc keeps such a path as
// written, and from tests/dist it leads nowhere, so each is led to what was compiled from it.
import { registerHooks } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const SERVICE_SOURCE = /^(?:\.\.\/)+services\/([\w-]+)\/src\/(.+)$/;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const source = SERVICE_SOURCE.exec(specifier);
    if (source === null || !context.parentURL?.includes("/tests/dist/"))
      return nextResolve(specifier, context);
    const [, service, path] = source;
    const compiled = join(root, "services", service, "dist", `${path}.js`);
    return nextResolve(compiled, context);
  },
});
