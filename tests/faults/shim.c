/* What a system that is short of something, or whose clock is set, does to a program: loaded before its libraries.
 *
 * CCO_SHIM_CLOCK    a file; what it holds, in seconds, is added to the time of day
 * CCO_SHIM_NO_FORK  no process can be started
 * CCO_SHIM_NO_LOCKS, CCO_SHIM_NO_MODES  file systems have no locks, keep no permissions
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    const char *path = getenv("CCO_SHIM_CLOCK");
    char text[32] = {0};
    int result, fd, kept = errno;

    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && path != NULL && (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
        if (read(fd, text, sizeof text - 1) > 0)
            now->tv_sec += atol(text);
        close(fd);
    }
    errno = result == 0 ? kept : errno;
    return result;
}

static pid_t refuse(pid_t (*real)(void))
{
    if (getenv("CCO_SHIM_NO_FORK") == NULL)
        return real();
    errno = EAGAIN;
    return -1;
}

pid_t fork(void)
{
    return refuse((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"));
}

pid_t vfork(void) /* as a fork: a real one must not return from here */
{
    return refuse((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"));
}

int flock(int fd, int operation)
{
    int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");

    if (getenv("CCO_SHIM_NO_LOCKS") == NULL)
        return real(fd, operation);
    errno = ENOLCK;
    return -1;
}

int fchmod(int fd, mode_t mode)
{
    int (*real)(int, mode_t) = (int (*)(int, mode_t))dlsym(RTLD_NEXT, "fchmod");

    if (getenv("CCO_SHIM_NO_MODES") == NULL)
        return real(fd, mode);
    errno = EPERM;
    return -1;
}
