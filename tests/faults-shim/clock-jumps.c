/*
 * A wall clock that can be set, without the host's being touched. Loaded by LD_PRELOAD; $CLOCK_JUMPS_FILE is eight bytes, a signed
 * number of milliseconds by which the clock of this process is ahead, mapped here and written by tests/harness/clock-jumps.ts.
 *
 * Monotonic clocks stay as they are, as those of a real host do. A thread that waits until a time of the wall clock is waited for in
 * the kernel's time, or a clock that is ahead would hold it up for ever. 64-bit Linux with glibc.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Of the wall clock: seconds since 1970; a monotonic clock counts from the start of the host. */
static const time_t WALL_SECONDS_MIN = 1000000000;

typedef int wait_until(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

static volatile const int64_t *ahead_ms;
static wait_until *real_wait;

__attribute__((constructor)) static void begin(void) {
  /* The version that programs of today are linked with: without it an older layout of the condition would be taken. */
  real_wait = (wait_until *)dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  const char *path = getenv("CLOCK_JUMPS_FILE");
  if (path == NULL) return;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead_ms, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED || real_wait == NULL) {
    perror("clock-jumps");
    abort(); /* its user would take a clock for set that is not */
  }
  close(fd);
  ahead_ms = mapped;
}

static void add_ms(struct timespec *at, int64_t ms) {
  int64_t ns = at->tv_nsec + ms % 1000 * 1000000;
  at->tv_sec += ms / 1000 + (ns >= 1000000000) - (ns < 0);
  at->tv_nsec = ns + (ns < 0) * 1000000000 - (ns >= 1000000000) * 1000000000;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && ahead_ms != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    add_ms(now, *ahead_ms);
  return result;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *now, void *zone) {
  struct timespec at;
  int result = clock_gettime(CLOCK_REALTIME, &at);
  if (zone != NULL) memset(zone, 0, sizeof(struct timezone));
  if (result != 0) return result;
  now->tv_sec = at.tv_sec;
  now->tv_usec = at.tv_nsec / 1000;
  return 0;
}

__attribute__((visibility("default"))) time_t time(time_t *now) {
  struct timespec at = {0};
  clock_gettime(CLOCK_REALTIME, &at);
  if (now != NULL) *now = at.tv_sec;
  return at.tv_sec;
}

__attribute__((visibility("default"))) int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                                                  const struct timespec *until) {
  if (ahead_ms == NULL || until->tv_sec < WALL_SECONDS_MIN) return real_wait(condition, mutex, until);
  struct timespec at = *until;
  add_ms(&at, -*ahead_ms);
  return real_wait(condition, mutex, &at);
}
