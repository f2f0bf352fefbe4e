/*
 * A disk that can be told to fail, and that knows what it would still hold after a power loss. Loaded by LD_PRELOAD into
 * processes that keep files below $DISK_FAULTS_ROOT; each folder D right below that root is a disk of its own. What belongs to
 * a disk stands in $DISK_FAULTS_ROOT-faults/D, which tests/harness/disk-faults.ts and power-loss.ts read and write:
 *
 *   control        `struct control` below, mapped here: what is to go wrong
 *   syncs          a line per sync that was done, if control asks for it
 *   live/INODE     a symbolic link to the id of the file or folder with this inode number; numbers come again, ids do not
 *   files/ID       the content of a file that has reached the disk
 *   folders/ID     the names in a folder that have reached the disk: lines "f ID NAME" and "d ID NAME"
 *   frozen/ID      a sync of this file has failed: what was unsynced then is taken for clean, and is never written
 *
 * A content is durable once its file was synced (fsync, fdatasync), a name once its folder was. So nothing is to be noted of
 * renames and unlinks: a synced folder is read anew. Writes through a mapping, by stdio and io_uring are not seen.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* What happens to calls of one kind. 64 bytes; the offsets are known to disk-faults.ts. */
struct rule {
  int32_t times;    /* how many calls fail; -1: all */
  int32_t delay_ms; /* each call is held up for so long; -1: until this changes */
  int32_t error;    /* errno of those that fail */
  char below[52];   /* only files at or below this path, seen from the disk; "": all */
};

struct control {
  struct rule sync;
  struct rule write;   /* also making files and folders, and reserving space */
  int32_t lies;        /* syncs succeed and do nothing */
  int32_t tells_syncs; /* whether `syncs` is written */
  int32_t hits;        /* how many calls failed, were held up or lied about */
};

enum { DISKS_MAX = 32, FILES_MAX = 4096, ID_MAX = 64, PAUSE_NS = 2000000 };

struct disk {
  char name[NAME_MAX + 1];
  char record[PATH_MAX];
  volatile struct control *control;
};

/* What is known of a descriptor. It may have been closed and given out again by calls that are not seen: `file_of` looks. */
struct file {
  struct disk *disk;
  dev_t device;
  ino_t inode;
  bool is_folder;
  off_t synced_to;  /* everything before is as in the record; OFF_CLEAN: everything */
  char path[256];   /* seen from the disk */
};

static const off_t OFF_CLEAN = INT64_MAX;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below, and of the record */
static struct disk disks[DISKS_MAX];
static struct file files[FILES_MAX];
static char root[PATH_MAX];
static size_t root_length;

/* -- calls that bypass this library; all 64-bit ABIs have them ------------------------------------------------------- */

static int raw_openat(int folder, const char *path, int flags, mode_t mode) {
  return (int)syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
}
static int raw_close(int fd) { return (int)syscall(SYS_close, fd); }
static int raw_mkdir(const char *path, mode_t mode) { return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode); }
static ssize_t raw_pwrite(int fd, const void *bytes, size_t size, off_t at) {
  return syscall(SYS_pwrite64, fd, bytes, size, at);
}

/* A recorder that cannot record must not go on: its user would be told wrong things. */
static void give_up(const char *what, const char *path) {
  fprintf(stderr, "disk-faults: cannot %s %s: %s\n", what, path, strerror(errno));
  abort();
}

static void sleep_ns(long ns) {
  struct timespec time = {.tv_sec = 0, .tv_nsec = ns};
  nanosleep(&time, NULL);
}

/* -- disks ----------------------------------------------------------------------------------------------------------- */

__attribute__((constructor)) static void begin(void) {
  const char *given = getenv("DISK_FAULTS_ROOT");
  if (given == NULL || strlen(given) + sizeof "-faults" + NAME_MAX + 100 > sizeof root) return;
  strcpy(root, given);
  root_length = strlen(root);
}

static void make_folder(const char *path) {
  if (raw_mkdir(path, 0700) != 0 && errno != EEXIST) give_up("make", path);
}

static volatile struct control *map_control(const char *path) {
  int fd = raw_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat found;
  if (fd < 0 || fstat(fd, &found) != 0) give_up("open", path);
  if (found.st_size < (off_t)sizeof(struct control) && syscall(SYS_ftruncate, fd, sizeof(struct control)) != 0)
    give_up("size", path);
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) give_up("map", path);
  raw_close(fd);
  return mapped;
}

/* The disk with this name, which need not end there; made known at first sight. */
static struct disk *disk_named(const char *name, size_t length) {
  struct disk *disk = disks;
  for (; disk < disks + DISKS_MAX && disk->control != NULL; disk += 1)
    if (strlen(disk->name) == length && memcmp(disk->name, name, length) == 0) return disk;
  if (disk == disks + DISKS_MAX || length > NAME_MAX) return NULL;
  memcpy(disk->name, name, length);
  char path[PATH_MAX + 20];
  snprintf(path, sizeof path, "%s-faults", root);
  make_folder(path);
  snprintf(disk->record, sizeof disk->record, "%s-faults/%s", root, disk->name);
  make_folder(disk->record);
  const char *const parts[] = {"live", "files", "folders", "frozen"};
  for (size_t at = 0; at < sizeof parts / sizeof *parts; at += 1) {
    snprintf(path, sizeof path, "%s/%s", disk->record, parts[at]);
    make_folder(path);
  }
  snprintf(path, sizeof path, "%s/control", disk->record);
  disk->control = map_control(path);
  return disk;
}

/* -- ids: with `lock` held --------------------------------------------------------------------------------------------- */

static void live_path(char *path, size_t size, const struct disk *disk, ino_t inode) {
  snprintf(path, size, "%s/live/%ju", disk->record, (uintmax_t)inode);
}

static void part_path(char *path, size_t size, const struct disk *disk, const char *part, const char *id) {
  snprintf(path, size, "%s/%s/%s", disk->record, part, id);
}

static void id_of(const struct disk *disk, ino_t inode, char id[ID_MAX]) {
  char path[PATH_MAX + 64];
  live_path(path, sizeof path, disk, inode);
  ssize_t length = readlink(path, id, ID_MAX - 1);
  if (length >= 0) {
    id[length] = 0;
    return;
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(id, ID_MAX, "%ju-%jx%08lx", (uintmax_t)inode, (uintmax_t)now.tv_sec, (unsigned long)now.tv_nsec);
  if (symlink(id, path) != 0) give_up("make", path);
}

/* What has this inode number now is new. */
static void forget(const struct disk *disk, ino_t inode) {
  char path[PATH_MAX + 64];
  live_path(path, sizeof path, disk, inode);
  unlink(path);
}

/* -- descriptors ------------------------------------------------------------------------------------------------------- */

/* What an open file of a disk is known as; NULL for all others. */
static struct file *file_of(int fd, struct stat *found) {
  if (fd < 0 || fd >= FILES_MAX || files[fd].disk == NULL) return NULL;
  struct file *file = &files[fd];
  if (fstat(fd, found) != 0 || found->st_ino != file->inode || found->st_dev != file->device) return NULL;
  return file;
}

/* The part of a path behind the root and a slash; NULL: it is elsewhere. */
static const char *below_root(const char *path) {
  if (root_length == 0 || strncmp(path, root, root_length) != 0 || path[root_length] != '/') return NULL;
  return path + root_length + 1;
}

/* Takes note of what was opened. @param made Whether there was no such file before. */
static void opened(int fd, bool made, bool cut) {
  if (root_length == 0 || fd < 0 || fd >= FILES_MAX) return;
  char link[40], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  struct stat found;
  files[fd].disk = NULL;
  if (length < 0) return;
  path[length] = 0;
  const char *name = below_root(path);
  if (name == NULL || *name == 0 || fstat(fd, &found) != 0) return;
  bool is_folder = S_ISDIR(found.st_mode);
  size_t name_length = strcspn(name, "/");
  if (!is_folder && (name[name_length] == 0 || !S_ISREG(found.st_mode))) return;
  pthread_mutex_lock(&lock);
  struct disk *disk = disk_named(name, name_length);
  if (disk != NULL) {
    struct file *file = &files[fd];
    char id[ID_MAX], frozen[PATH_MAX + 128];
    if (made) forget(disk, found.st_ino);
    id_of(disk, found.st_ino, id);
    part_path(frozen, sizeof frozen, disk, "frozen", id);
    if (cut) unlink(frozen);
    file->device = found.st_dev;
    file->inode = found.st_ino;
    file->is_folder = is_folder;
    /* Who had it open before may have left things unsynced: the first sync here covers them. */
    file->synced_to = access(frozen, F_OK) == 0 ? OFF_CLEAN : 0;
    snprintf(file->path, sizeof file->path, "%s", name[name_length] == 0 ? "" : name + name_length + 1);
    file->disk = disk;
  }
  pthread_mutex_unlock(&lock);
}

/* -- faults ------------------------------------------------------------------------------------------------------------ */

static bool is_below(const char *path, const char *folder) {
  size_t length = strnlen(folder, sizeof((struct rule *)0)->below);
  return length == 0 || (strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/'));
}

/* Holds the call up as long as it must be. Returns the errno that it fails with; 0: it may go on. */
static int fault(struct disk *disk, volatile struct rule *rule, const char *path) {
  if (rule->times == 0 && rule->delay_ms == 0) return 0;
  if (!is_below(path, (const char *)rule->below)) return 0;
  __atomic_add_fetch(&disk->control->hits, 1, __ATOMIC_RELAXED);
  for (int64_t waited_ns = 0;
       rule->delay_ms == -1 || (rule->delay_ms > 0 && waited_ns < (int64_t)rule->delay_ms * 1000000);
       waited_ns += PAUSE_NS)
    sleep_ns(PAUSE_NS);
  int32_t left = rule->times;
  while (left > 0 && !__atomic_compare_exchange_n(&rule->times, &left, left - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
  return left == 0 ? 0 : rule->error;
}

/* -- the record: with `lock` held -------------------------------------------------------------------------------------- */

/* From where on the file with this inode differs from its record, whoever wrote there; from now on it does not. */
static off_t take_unsynced(const struct file *synced) {
  off_t from = OFF_CLEAN;
  for (struct file *file = files; file < files + FILES_MAX; file += 1) {
    if (file->disk != synced->disk || file->inode != synced->inode) continue;
    if (file->synced_to < from) from = file->synced_to;
    file->synced_to = OFF_CLEAN;
  }
  return from;
}

static void record_content(int fd, const struct file *file) {
  off_t at = take_unsynced(file);
  if (at == OFF_CLEAN) return;
  char id[ID_MAX], path[PATH_MAX + 128], link[40];
  id_of(file->disk, file->inode, id);
  part_path(path, sizeof path, file->disk, "files", id);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int from = raw_openat(AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
  int to = raw_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (from < 0 || to < 0) give_up("open", path);
  static char bytes[1 << 18]; /* under the lock */
  for (;;) {
    ssize_t size = pread(from, bytes, sizeof bytes, at);
    if (size < 0) give_up("read", link);
    if (size == 0) break;
    for (ssize_t done = 0; done < size;) {
      ssize_t written = raw_pwrite(to, bytes + done, (size_t)(size - done), at + done);
      if (written <= 0) give_up("write", path);
      done += written;
    }
    at += size;
  }
  if (syscall(SYS_ftruncate, to, at) != 0) give_up("cut", path);
  raw_close(from);
  raw_close(to);
}

static void record_names(int fd, const struct file *file) {
  char id[ID_MAX], path[PATH_MAX + 128], new_path[PATH_MAX + 160], link[40];
  id_of(file->disk, file->inode, id);
  part_path(path, sizeof path, file->disk, "folders", id);
  snprintf(new_path, sizeof new_path, "%s.new", path);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  DIR *folder = opendir(link);
  FILE *list = fopen(new_path, "w");
  if (folder == NULL || list == NULL) give_up("list", link);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    struct stat found;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(dirfd(folder), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue; /* gone meanwhile */
    if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) continue;
    id_of(file->disk, found.st_ino, id);
    fprintf(list, "%c %s %s\n", S_ISDIR(found.st_mode) ? 'd' : 'f', id, entry->d_name);
  }
  closedir(folder);
  if (fclose(list) != 0 || rename(new_path, path) != 0) give_up("write", path);
}

static void tell_sync(const struct file *file, const char *call) {
  char path[PATH_MAX + 64], line[400];
  snprintf(path, sizeof path, "%s/syncs", file->disk->record);
  int fd = raw_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int length = snprintf(line, sizeof line, "%s %s\n", call, file->path);
  if (fd < 0 || syscall(SYS_write, fd, line, length) != length) give_up("write", path);
  raw_close(fd);
}

/* The kernel takes the pages of a failed sync for clean: a later one does not write them. */
static void freeze(const struct file *file) {
  if (file->is_folder) return;
  pthread_mutex_lock(&lock);
  if (take_unsynced(file) != OFF_CLEAN) {
    char id[ID_MAX], path[PATH_MAX + 128];
    id_of(file->disk, file->inode, id);
    part_path(path, sizeof path, file->disk, "frozen", id);
    int fd = raw_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) give_up("make", path);
    raw_close(fd);
  }
  pthread_mutex_unlock(&lock);
}

static int sync_by(int fd, long number, const char *call) {
  struct stat found;
  struct file *file = file_of(fd, &found);
  if (file == NULL) return (int)syscall(number, fd);
  volatile struct control *control = file->disk->control;
  int error = fault(file->disk, &control->sync, file->path);
  if (error != 0) {
    freeze(file);
    errno = error;
    return -1;
  }
  if (control->lies) {
    __atomic_add_fetch(&control->hits, 1, __ATOMIC_RELAXED);
    return 0;
  }
  int result = (int)syscall(number, fd);
  if (result != 0) return result;
  pthread_mutex_lock(&lock);
  if (file->is_folder) record_names(fd, file);
  else record_content(fd, file);
  if (control->tells_syncs) tell_sync(file, call);
  pthread_mutex_unlock(&lock);
  return 0;
}

/* -- writes ------------------------------------------------------------------------------------------------------------ */

/* A change of a file that is about to be made. */
struct change {
  struct file *file;
  off_t from;
};

static const off_t AT_POSITION = -1;

/* Whether it may be made; if not, errno says why. */
static bool may_change(int fd, off_t from, struct change *change) {
  struct stat found;
  change->file = file_of(fd, &found);
  if (change->file == NULL) return true;
  int error = fault(change->file->disk, &change->file->disk->control->write, change->file->path);
  if (error != 0) {
    errno = error;
    return false;
  }
  if (from == AT_POSITION)
    from = fcntl(fd, F_GETFL) & O_APPEND ? found.st_size : lseek(fd, 0, SEEK_CUR);
  change->from = from < found.st_size ? from : found.st_size;
  return true;
}

/* Afterwards, for a sync of another thread between the two must not count. */
static void changed(const struct change *change) {
  if (change->file == NULL) return;
  pthread_mutex_lock(&lock);
  if (change->from < change->file->synced_to) change->file->synced_to = change->from;
  pthread_mutex_unlock(&lock);
}

#define CHANGING(type, fd, from, call)                 \
  do {                                                 \
    struct change change;                              \
    if (!may_change(fd, from, &change)) return -1;     \
    type result = (type)(call);                        \
    if (result >= 0) changed(&change);                 \
    return result;                                     \
  } while (0)

#define EXPORT __attribute__((visibility("default")))

EXPORT ssize_t write(int fd, const void *bytes, size_t size) {
  CHANGING(ssize_t, fd, AT_POSITION, syscall(SYS_write, fd, bytes, size));
}
EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
  CHANGING(ssize_t, fd, AT_POSITION, syscall(SYS_writev, fd, parts, count));
}
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  CHANGING(ssize_t, fd, at, raw_pwrite(fd, bytes, size, at));
}
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { return pwrite(fd, bytes, size, at); }
EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  /* The kernel takes the offset in two halves, of which a 64-bit one ignores the upper. */
  CHANGING(ssize_t, fd, at, syscall(SYS_pwritev, fd, parts, (long)count, at, 0L));
}
EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  return pwritev(fd, parts, count, at);
}
EXPORT int ftruncate(int fd, off_t size) { CHANGING(int, fd, size, syscall(SYS_ftruncate, fd, size)); }
EXPORT int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }
EXPORT int fallocate(int fd, int mode, off_t at, off_t size) {
  CHANGING(int, fd, at, syscall(SYS_fallocate, fd, mode, at, size));
}
EXPORT int fallocate64(int fd, int mode, off64_t at, off64_t size) { return fallocate(fd, mode, at, size); }
EXPORT int posix_fallocate(int fd, off_t at, off_t size) { return fallocate(fd, 0, at, size) == 0 ? 0 : errno; }
EXPORT int posix_fallocate64(int fd, off64_t at, off64_t size) { return posix_fallocate(fd, at, size); }

EXPORT int fsync(int fd) { return sync_by(fd, SYS_fsync, "fsync"); }
EXPORT int fdatasync(int fd) { return sync_by(fd, SYS_fdatasync, "fdatasync"); }

/* -- making files and folders ------------------------------------------------------------------------------------------ */

/* The errno with which nothing can be made there; 0: it can. */
static int fault_of_new(int fd) {
  struct stat found;
  struct file *file = file_of(fd, &found);
  return file == NULL ? 0 : fault(file->disk, &file->disk->control->write, file->path);
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
  bool may_make = (flags & O_CREAT) != 0 && root_length > 0;
  bool made = may_make && syscall(SYS_faccessat, folder, path, F_OK) != 0;
  int fd = raw_openat(folder, path, flags, mode);
  if (fd < 0) return fd;
  opened(fd, made, (flags & O_TRUNC) != 0);
  int error = made ? fault_of_new(fd) : 0;
  if (error == 0) return fd;
  raw_close(fd);
  unlinkat(folder, path, 0);
  errno = error;
  return -1;
}

#define MODE_OF(flags, mode)                                          \
  mode_t mode = 0;                                                    \
  if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list more;                                                     \
    va_start(more, flags);                                            \
    mode = va_arg(more, mode_t);                                      \
    va_end(more);                                                     \
  }

EXPORT int open(const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_at(AT_FDCWD, path, flags, mode);
}
EXPORT int open64(const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_at(AT_FDCWD, path, flags, mode);
}
EXPORT int openat(int folder, const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_at(folder, path, flags, mode);
}
EXPORT int openat64(int folder, const char *path, int flags, ...) {
  MODE_OF(flags, mode)
  return open_at(folder, path, flags, mode);
}
EXPORT int creat(const char *path, mode_t mode) {
  return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
EXPORT int creat64(const char *path, mode_t mode) { return creat(path, mode); }

EXPORT int mkdir(const char *path, mode_t mode) {
  int result = raw_mkdir(path, mode);
  if (result != 0 || root_length == 0) return result;
  int fd = raw_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return result;
  opened(fd, true, false);
  int error = fault_of_new(fd);
  raw_close(fd);
  if (error == 0) return 0;
  rmdir(path);
  errno = error;
  return -1;
}
