/* The store: a folder of ours with one unpacked copy of the program per content id.
 *
 *     <store>/<content id>/          a complete copy
 *     <store>/<content id>/.complete says so: written last, holds the copy's fingerprint
 *     <store>/.unpack-<pid>-<n>/     being unpacked by the process that holds its flock, else a leftover
 *     <store>/.aside-<pid>-<n>/      taken out of the way, being removed
 *
 * A copy counts as complete while the fingerprint over every entry's path, mode, size and time still matches, and
 * nobody removes it while a process that runs from it holds a shared flock on its folder. The launcher takes the
 * lock, and the program inherits its descriptor.
 *
 * The time is that of the last change of any kind, which touch and cp -p cannot set back: so an edit is noticed
 * without reading the files. On macOS it is that of the last change of contents, and the file must be the same
 * inode: the system itself may add an attribute (com.apple.provenance) to the files of a program that has run, and
 * every start would unpack anew. An edit that sets the time back is not noticed there.
 * This guards against damage and accidents. It is no barrier to a program that runs as the same user, which
 * could as well replace the single file.
 */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/mount.h>
#define ATTRIBUTES_COME_LATER
#define MODIFIED(status) ((status).st_mtimespec)
#else
#define CHANGED(status) ((status).st_ctim)
#define MODIFIED(status) ((status).st_mtim)
#endif

#define MARKER ".complete"
#define MARKER_LENGTH 96
#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)
#define UNMAPPED 65534 /* as whom a user namespace shows root */
#define LOCK_WAIT_MS 10000
#define LOCK_POLL_MS 5

struct fingerprint {
    uint64_t entries;
    uint64_t bytes;
    uint64_t digest;
};

const char *failure = "";

int fail(const char *why)
{
    failure = why != NULL ? why : strerror(errno);
    return -1;
}

/* Whether only this user (or root, for a `base`) decides what the open folder contains. */
static int check_folder(int folder, bool base)
{
    struct stat status;

    if (fstat(folder, &status) != 0)
        return fail(NULL);
    if (status.st_uid != geteuid() && !(base && status.st_uid == 0))
        return fail("belongs to another user");
    if ((status.st_mode & WRITABLE_BY_OTHERS) && !(base && (status.st_mode & S_ISVTX)))
        return fail("other users can write to it");
    return 0;
}

/* Whether nobody else can put a folder of theirs in the place of one above the open base: its program is started
 * by its path, after its copy was looked at. The path must be free of symlinks; one that appears is refused. */
static int check_way(const char *real)
{
    char above[PATH_MAX];
    struct stat status;
    char *end;

    snprintf(above, sizeof above, "%s", real);
    while (above[1] != '\0' && (end = strrchr(above, '/')) != NULL) {
        mode_t others;

        end[end == above] = '\0';
        if (lstat(above, &status) != 0)
            return fail(NULL);
        others = status.st_gid == 0 || status.st_gid == getegid() ? S_IWOTH : WRITABLE_BY_OTHERS;
        if (status.st_uid != geteuid() && status.st_uid != 0 && status.st_uid != UNMAPPED)
            return fail("a folder above it belongs to another user");
        if ((status.st_mode & others) && !(status.st_mode & S_ISVTX))
            return fail("other users can replace a folder above it");
    }
    return 0;
}

static int check_programs_allowed(int folder)
{
#ifdef __APPLE__
    struct statfs status;

    if (fstatfs(folder, &status) == 0 && (status.f_flags & MNT_NOEXEC))
        return fail("mounted noexec");
#else
    struct statvfs status;

    if (fstatvfs(folder, &status) == 0 && (status.f_flag & ST_NOEXEC))
        return fail("mounted noexec");
#endif
    return 0;
}

/* Open the store, creating it where asked; `*created` tells whether it was. The place's base is its real path from
 * then on. Returns the store's descriptor or -1. */
int open_store(struct place *place, bool create, bool *created)
{
    char real[PATH_MAX];
    int base, store;

    if (create && place->create_base && mkdir(place->base, 0700) != 0 && errno != EEXIST)
        return fail(NULL);
    if (realpath(place->base, real) == NULL)
        return fail(NULL);
    memcpy(place->base, real, sizeof real);
    base = open(place->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (base < 0)
        return fail(NULL);
    store = -1;
    if (check_folder(base, true) == 0 && check_way(place->base) == 0 && (!create || check_programs_allowed(base) == 0)) {
        if (create)
            *created = mkdirat(base, place->leaf, 0700) == 0;
        if (create && !*created && errno != EEXIST)
            fail(NULL);
        else if ((store = openat(base, place->leaf, OPEN_FOLDER)) < 0)
            fail(errno == ELOOP || errno == ENOTDIR ? "is not a real folder" : NULL);
    }
    close(base);
    if (store >= 0 && check_folder(store, false) != 0) {
        close(store);
        return -1;
    }
    return store;
}

static uint64_t hash(uint64_t state, const void *data, size_t length) /* FNV-1a */
{
    const unsigned char *bytes = data;

    while (length--)
        state = (state ^ *bytes++) * 0x100000001b3u;
    return state;
}

/* Add what tells that a file is no longer the one that was unpacked: see the top. */
static uint64_t hash_time(uint64_t state, const struct stat *status)
{
#ifdef ATTRIBUTES_COME_LATER /* a test defines it elsewhere, too */
    const struct timespec time = MODIFIED(*status);

    state = hash(state, &status->st_ino, sizeof status->st_ino);
#else
    const struct timespec time = CHANGED(*status);
#endif
    state = hash(state, &time.tv_sec, sizeof time.tv_sec);
    return hash(state, &time.tv_nsec, sizeof time.tv_nsec);
}

/* Add the entries below the open folder to the fingerprint, in whatever order. Closes `folder`. */
static int add_entries(int folder, uint64_t path_hash, bool top, struct fingerprint *sum)
{
    DIR *listing = fdopendir(folder);
    struct dirent *entry;
    struct stat status;
    int result = 0;

    if (listing == NULL) {
        fail(NULL);
        close(folder);
        return -1;
    }
    while (result == 0 && (entry = readdir(listing)) != NULL) {
        const char *name = entry->d_name;
        uint64_t path, state;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (top && strcmp(name, MARKER) == 0))
            continue;
        if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            result = fail(NULL);
            break;
        }
        if (status.st_uid != geteuid() || (!S_ISLNK(status.st_mode) && (status.st_mode & WRITABLE_BY_OTHERS))) {
            result = fail("damaged copy");
            break;
        }
        path = hash(path_hash, name, strlen(name) + 1);
        state = hash(path, &status.st_mode, sizeof status.st_mode);
        if (S_ISDIR(status.st_mode)) {
            int below = openat(folder, name, OPEN_FOLDER);

            result = below < 0 ? fail(NULL) : add_entries(below, path, false, sum);
        } else { /* a folder's own times and size change with no change that matters */
            state = hash(state, &status.st_size, sizeof status.st_size);
            state = hash_time(state, &status);
            sum->bytes += (uint64_t)status.st_size;
        }
        sum->entries++;
        sum->digest += state;
    }
    closedir(listing);
    return result;
}

/* Write into `marker` what the marker file of the copy in the open folder must say. */
static int describe_copy(int copy, char marker[MARKER_LENGTH])
{
    struct fingerprint sum = {0, 0, 0};
    int folder = openat(copy, ".", OPEN_FOLDER);

    if (folder < 0)
        return fail(NULL);
    if (add_entries(folder, 0xcbf29ce484222325u, true, &sum) != 0)
        return -1;
    snprintf(marker, MARKER_LENGTH, "cco-copy 1 %llu %llu %016llx\n", (unsigned long long)sum.entries,
             (unsigned long long)sum.bytes, (unsigned long long)sum.digest);
    return 0;
}

static bool marker_matches(int copy)
{
    char expected[MARKER_LENGTH], found[MARKER_LENGTH];
    int marker = openat(copy, MARKER, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool matches = false;

    if (marker < 0)
        return false;
    if (describe_copy(copy, expected) == 0) {
        ssize_t length = read(marker, found, sizeof found);

        matches = length == (ssize_t)strlen(expected) && memcmp(found, expected, (size_t)length) == 0;
    }
    close(marker);
    return matches;
}

/* Open the folder of the complete copy of ours under this content id, so locked that nobody removes it until
 * the descriptor is closed. Returns the descriptor or -1. */
int take_copy(int store, const char *id)
{
    int copy = openat(store, id, OPEN_FOLDER);

    if (copy < 0)
        return fail(NULL);
    fail("damaged copy");
    if (flock(copy, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        fail("being removed"); /* other errors: a file system without locks, where nobody removes copies */
    else if (check_folder(copy, false) == 0 && marker_matches(copy))
        return copy;
    close(copy);
    return -1;
}

/* Wait for whoever is unpacking into this store; go on without the lock if they are stuck. */
static void lock_store(int store)
{
    const struct timespec pause = {0, LOCK_POLL_MS * 1000000L};

    for (int waited_ms = 0; waited_ms < LOCK_WAIT_MS; waited_ms += LOCK_POLL_MS) {
        if (flock(store, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return;
        nanosleep(&pause, NULL);
    }
}

/* Name in `name` a new private folder `.<purpose>-<pid>-<n>`, opened and locked. */
static int make_private_folder(int store, const char *purpose, char name[64])
{
    for (int attempt = 0; attempt < 100; attempt++) {
        struct stat status;
        int folder;

        snprintf(name, 64, ".%s-%ld-%d", purpose, (long)getpid(), attempt);
        if (mkdirat(store, name, 0700) != 0) {
            if (errno == EEXIST)
                continue; /* left by a dead process with our pid, or by one in another pid namespace */
            return fail(NULL);
        }
        folder = openat(store, name, OPEN_FOLDER);
        if (folder < 0)
            continue;
        if ((flock(folder, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && fstat(folder, &status) == 0 &&
            status.st_nlink > 0)
            return folder;
        close(folder); /* another process took it for a leftover between mkdir and flock */
    }
    return fail("cannot create a folder there");
}

static int write_marker(int copy)
{
    char text[MARKER_LENGTH];
    int marker, result;

    if (describe_copy(copy, text) != 0)
        return -1;
    marker = openat(copy, MARKER, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (marker < 0)
        return fail(NULL);
    result = write(marker, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : fail(NULL);
    return close(marker) == 0 ? result : fail(NULL);
}

/* Rename the unpacked folder to its content id. If another process was first, theirs stays. Returns the copy's
 * descriptor, as take_copy does. */
static int publish(int store, const char *unpacked, const char *id)
{
    char aside[64];

    for (int attempt = 0; attempt < 100; attempt++) {
        int copy = take_copy(store, id);

        if (copy >= 0) {
            remove_entry(store, unpacked); /* gone already if it is the copy now */
            return copy;
        }
        if (put_aside(store, id, aside) == 0)
            remove_entry(store, aside);
        if (renameat(store, unpacked, store, id) != 0 && errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return fail(NULL);
    }
    return fail("keeps changing");
}

static int unpack_and_publish(int store, const struct payload *payload)
{
    char name[64];
    int folder = make_private_folder(store, "unpack", name), copy;

    if (folder < 0)
        return -1;
    copy = unpack(payload, folder) == 0 && write_marker(folder) == 0 ? 0 : -1;
    if (copy == 0) {
        flock(folder, LOCK_SH); /* as those who use a copy hold it */
        copy = publish(store, name, payload->id);
    }
    if (copy < 0) {
        const char *why = failure;

        remove_entry(store, name);
        failure = why;
    }
    close(folder);
    return copy;
}

/* Make sure that the store holds a complete copy of the payload, and remove those of other versions that nobody
 * runs from. Returns the copy's descriptor, as take_copy does; on failure nothing of this attempt is left. */
int install_copy(int store, const struct payload *payload)
{
    void (*on_large_file)(int);
    sigset_t all, before;
    int copy;

    lock_store(store);
    copy = take_copy(store, payload->id);
    if (copy >= 0) {
        flock(store, LOCK_UN);
        return copy; /* unpacked by another process while we waited */
    }
    on_large_file = signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files: told as what it is */
    sigfillset(&all); /* an interrupt would leave a partial folder; finishing takes a fraction of a second */
    sigprocmask(SIG_BLOCK, &all, &before);
    remove_leftovers(store);
    copy = unpack_and_publish(store, payload);
    if (copy >= 0)
        remove_old_copies(store, payload->id);
    flock(store, LOCK_UN);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGXFSZ, on_large_file);
    return copy;
}
