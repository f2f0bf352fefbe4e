import {
  StorageCorruptionError,
  type StorageError,
  StorageFormatError,
  StorageFullError,
  StorageLockedError,
  StorageOpenError,
  StorageWriteError,
} from "@quorate/storage";

/** What kept a database in `directory` from opening, with what to do about it. */
export function openErrorOf(directory: string, cause: unknown): StorageError {
  const text = textOf(cause);
  const what = `Cannot open the database in ${directory}`;
  switch (codeOf(cause)) {
    case "LEVEL_LOCKED":
      return new StorageLockedError(
        `${what}: another process has it open. Find it (its command line names the directory) and end it first`,
        { cause },
      );
    case "LEVEL_CORRUPTION":
      return corruptionOf(directory, cause);
  }
  // A file that the others name: whatever was in it is gone.
  if (/(MANIFEST-\d+|\d+\.(sst|log)): No such file/i.test(text)) return corruptionOf(directory, cause);
  if (/permission denied|EACCES|EPERM|read-only file system|EROFS/i.test(text)) {
    return new StorageOpenError(
      `${what}: no permission. Give this user the right to write there. (${text})`,
      { cause },
    );
  }
  if (/no space left|ENOSPC|disk quota|EDQUOT/i.test(text)) {
    return new StorageFullError(`${what}: the disk is full. Free some space and start again. (${text})`, {
      cause,
    });
  }
  // Opening writes, too: a disk that fails now says nothing about what is on it.
  if (/(sync|append|write).*(input\/output error|EIO)/is.test(text)) {
    return new StorageWriteError(
      `${what}: the disk failed. Start again; if it goes on failing, replace it and this member. (${text})`,
      { cause },
    );
  }
  if (/too many open files|EMFILE|ENFILE/i.test(text)) {
    return new StorageOpenError(`${what}: too many open files. Raise the limit (ulimit -n). (${text})`, {
      cause,
    });
  }
  if (/does not exist|ENOENT/i.test(text)) {
    return new StorageOpenError(
      `${what}: there is none. Check the directory, or create a new one. (${text})`,
      { cause },
    );
  }
  if (/not a directory|ENOTDIR|EEXIST/i.test(text)) {
    return new StorageOpenError(`${what}: that is not a directory. Choose another path. (${text})`, {
      cause,
    });
  }
  if (/column famil/i.test(text)) {
    return new StorageFormatError(
      `${what}: it has other columns than this version knows. Nothing was changed. Start the version that wrote it, or a newer one. (${text})`,
      { cause },
    );
  }
  return new StorageOpenError(`${what}: ${text}`, { cause });
}

export function readErrorOf(directory: string, cause: unknown): StorageError {
  // Whatever else fails a read (an I/O error of the disk, as a rule): its answer cannot be had, now or later.
  return corruptionOf(directory, cause);
}

export function writeErrorOf(directory: string, cause: unknown): StorageError {
  return new StorageWriteError(
    `A write to the database in ${directory} failed; what is on disk is known only after a restart. (${textOf(cause)})`,
    { cause },
  );
}

function corruptionOf(directory: string, cause: unknown): StorageError {
  return new StorageCorruptionError(
    `The database in ${directory} is damaged or unreadable. Keep it for examination, check the disk, and replace ` +
      `this member by a new one. (${textOf(cause)})`,
    { cause },
  );
}

// Errors of the binding are not `instanceof Error` in every context (a worker, a test sandbox), so only fields count.
function codeOf(cause: unknown): unknown {
  return (cause as { readonly code?: unknown } | null)?.code;
}

function textOf(cause: unknown): string {
  return String((cause as { readonly message?: unknown } | null)?.message ?? cause);
}
