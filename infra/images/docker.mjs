import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** On an imported image: the hash of what it was made of, so that the same is not imported again. */
const CONTENT_LABEL = "quorate.content";

/**
 * Makes an image of a folder, owned by root whoever runs this.
 *
 * @param changes Instructions of a Dockerfile, such as `CMD ["node"]`.
 * @returns Whether there was anything to do.
 */
export async function importImage(tag, folder, changes) {
  const temporary = mkdtempSync(join(tmpdir(), "quorate-image-"));
  try {
    const archive = join(temporary, "root.tar");
    // The same files make the same archive.
    const reproducible = ["--sort=name", "--mtime=@0", "--numeric-owner", "--owner=0", "--group=0"];
    run("tar", [...reproducible, "-C", folder, "-cf", archive, "."]);
    const hash = createHash("sha256").update(changes.join("\n"));
    await pipeline(createReadStream(archive), hash, { end: false });
    const content = hash.digest("hex");
    if (labelOf(tag) === content) return false;
    const settings = [...changes, `LABEL ${CONTENT_LABEL}=${content}`].flatMap((change) => [
      "--change",
      change,
    ]);
    docker(["import", ...settings, archive, tag]);
    return true;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @throws {Error} with what docker said. */
export function docker(args) {
  return run("docker", args);
}

/** In bytes, unpacked. */
export function imageSize(tag) {
  return Number(docker(["image", "inspect", "--format", "{{.Size}}", tag]));
}

function labelOf(tag) {
  const format = `{{index .Config.Labels "${CONTENT_LABEL}"}}`;
  const { stdout } = spawnSync("docker", ["image", "inspect", "--format", format, tag], { encoding: "utf8" });
  return stdout?.trim();
}

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`Cannot run ${command}: ${error.message}`, { cause: error });
  if (status !== 0)
    throw new Error(`${command} ${args[0]} failed (exit code ${status}):\n${stdout}${stderr}`);
  return stdout.trim();
}
