/** Common shape: `code` is what other parts match on. */
export abstract class StorageError extends Error {
  abstract readonly code: string;
}

/** A write or sync failed. What is on disk is unknown until the store is reopened; nothing may be retried in place. */
export class StorageWriteError extends StorageError {
  override readonly name = "StorageWriteError";
  readonly code = "storage-write";
}

/** Stored bytes are not what was written. */
export class StorageCorruptionError extends StorageError {
  override readonly name = "StorageCorruptionError";
  readonly code = "storage-corruption";
}

/** Another process (or another object of this one) has the store open. */
export class StorageLockedError extends StorageError {
  override readonly name = "StorageLockedError";
  readonly code = "storage-locked";
}

/** The directory belongs to another member or cluster, is empty where it must not be, or the reverse. */
export class StorageIdentityError extends StorageError {
  override readonly name = "StorageIdentityError";
  readonly code = "storage-identity";
}

/** A newer version wrote the store, in a format that this one cannot read. Nothing was changed. */
export class StorageFormatError extends StorageError {
  override readonly name = "StorageFormatError";
  readonly code = "unsupported-version";
}

/** The store could not be opened for another reason: permissions, a missing file. */
export class StorageOpenError extends StorageError {
  override readonly name = "StorageOpenError";
  readonly code = "storage-open";
}

/** The store could not be opened, because that takes space and the disk is full. */
export class StorageFullError extends StorageError {
  override readonly name = "StorageFullError";
  readonly code = "storage-full";
}

/** A call on a store, iterator or batch after the store was closed (or its machine crashed, in a simulation). */
export class StorageClosedError extends StorageError {
  override readonly name = "StorageClosedError";
  readonly code = "storage-closed";
}
