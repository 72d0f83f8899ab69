/* Faults of a machine, for LD_PRELOAD:
   TORTURE_NOLOCKS=1   no file system knows locks
   TORTURE_CLOCK=1     the clock on the wall runs backwards, ten times as fast as it should run forwards */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int flock(int fd, int operation) {
    REAL(flock);
    if (getenv("TORTURE_NOLOCKS")) {
        errno = ENOLCK;
        return -1;
    }
    return real(fd, operation);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int done = real(clock, now);
    if (done == 0 && clock == CLOCK_REALTIME && getenv("TORTURE_CLOCK")) {
        struct timespec run;
        real(CLOCK_MONOTONIC, &run);
        now->tv_sec -= 11 * (run.tv_sec % 1000000);
    }
    return done;
}
