/* The system's part of unpacking, on POSIX: what unpack.c reads from and writes to. */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

size_t read_payload(const struct payload *payload, void *buffer, size_t size, off_t position)
{
    ssize_t got = pread(payload->single_file, buffer, size, payload->offset + position);

    return got > 0 ? (size_t)got : 0;
}

int create_file(folder_ref into, const char *name, file_ref *created)
{
    *created = openat(into, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *created >= 0 ? 0 : fail(NULL);
}

int write_file(file_ref created, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    while (size > 0) {
        ssize_t count = write(created, bytes, size);

        if (count < 0 && errno != EINTR)
            return fail(NULL);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        }
    }
    return 0;
}

int finish_file(file_ref created, bool executable, bool complete)
{
    int result = !complete || fchmod(created, executable ? 0755 : 0644) == 0 ? 0 : fail(NULL);

    if (close(created) != 0 && result == 0 && complete)
        result = fail(NULL);
    return result;
}

int create_folder(folder_ref into, const char *name)
{
    return mkdirat(into, name, 0700) == 0 && fchmodat(into, name, 0755, 0) == 0 ? 0 : fail(NULL);
}

int create_link(folder_ref into, const char *name, const char *target)
{
    return symlinkat(target, into, name) == 0 ? 0 : fail(NULL);
}
