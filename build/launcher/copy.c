/* The store: a folder of ours with one unpacked copy of the program per content id.
 *
 *     <store>/<content id>/          a complete copy
 *     <store>/<content id>/.complete says so: written last, holds the copy's fingerprint
 *     <store>/.unpack-<pid>-<n>/     being unpacked by the process that holds its flock, else a leftover
 *     <store>/.damaged-<pid>-<n>/    taken out of the way, being removed
 *
 * A copy counts as complete while the fingerprint over every entry's path, mode, size and change time still
 * matches. Change times cannot be set back by touch or cp -p, so an edit is noticed without reading the files.
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
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/mount.h>
#define CHANGED(status) ((status).st_ctimespec)
#else
#define CHANGED(status) ((status).st_ctim)
#endif

#define MARKER ".complete"
#define MARKER_LENGTH 96
#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LOCK_WAIT_MS 10000
#define LOCK_POLL_MS 5
#define LEFTOVER_AGE_S 3600

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

/* Open the store, creating it where asked; `*created` tells whether it was. Returns its descriptor or -1. */
int open_store(const struct place *place, bool create, bool *created)
{
    int base, store;

    if (create && place->create_base && mkdir(place->base, 0700) != 0 && errno != EEXIST)
        return fail(NULL);
    base = open(place->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        return fail(NULL);
    store = -1;
    if (check_folder(base, true) == 0 && (!create || check_programs_allowed(base) == 0)) {
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
            state = hash(state, &CHANGED(status).tv_sec, sizeof CHANGED(status).tv_sec);
            state = hash(state, &CHANGED(status).tv_nsec, sizeof CHANGED(status).tv_nsec);
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

/* 0 if the store holds a complete copy of ours under this content id. */
int check_copy(int store, const char *id)
{
    char expected[MARKER_LENGTH], found[MARKER_LENGTH];
    int copy = openat(store, id, OPEN_FOLDER), marker = -1;
    int result = -1;
    ssize_t length;

    if (copy < 0)
        return fail(NULL);
    fail("damaged copy");
    if (check_folder(copy, false) == 0 && (marker = openat(copy, MARKER, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) >= 0) {
        length = read(marker, found, sizeof found);
        if (describe_copy(copy, expected) == 0 && length == (ssize_t)strlen(expected) &&
            memcmp(found, expected, (size_t)length) == 0)
            result = 0;
        close(marker);
    }
    close(copy);
    return result;
}

/* Remove a file or a whole folder, read-only parts included; symlinks are removed, not followed. */
int remove_entry(int parent, const char *name)
{
    struct dirent *entry;
    DIR *listing;
    int folder;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    folder = openat(parent, name, OPEN_FOLDER);
    if (folder < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        folder = openat(parent, name, OPEN_FOLDER);
    if (folder < 0)
        return fail(NULL);
    fchmod(folder, 0700);
    listing = fdopendir(folder);
    if (listing == NULL) {
        close(folder);
        return fail(NULL);
    }
    while ((entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_entry(folder, entry->d_name);
    closedir(listing);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : fail(NULL);
}

/* Remove what unpackers that died have left. The living hold a lock on their folder. */
static void remove_leftovers(int store)
{
    int folder = openat(store, ".", OPEN_FOLDER);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;
    struct stat status;

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        int leftover;
        bool dead;

        if (strncmp(entry->d_name, ".unpack-", 8) != 0 && strncmp(entry->d_name, ".damaged-", 9) != 0)
            continue;
        leftover = openat(store, entry->d_name, OPEN_FOLDER);
        if (leftover < 0) {
            remove_entry(store, entry->d_name);
            continue;
        }
        dead = flock(leftover, LOCK_EX | LOCK_NB) == 0;
        if (!dead && errno != EWOULDBLOCK) /* a file system without locks: only what is surely old */
            dead = fstat(leftover, &status) == 0 && status.st_mtime < time(NULL) - LEFTOVER_AGE_S;
        if (dead)
            remove_entry(store, entry->d_name);
        close(leftover);
    }
    if (listing != NULL)
        closedir(listing);
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

/* Rename the unpacked folder to its content id. If another process was first, theirs stays. */
static int publish(int store, const char *unpacked, const char *id)
{
    char aside[64];

    for (int attempt = 0; attempt < 100; attempt++) {
        if (check_copy(store, id) == 0) {
            remove_entry(store, unpacked);
            return 0;
        }
        snprintf(aside, sizeof aside, ".damaged-%ld-%d", (long)getpid(), attempt);
        if (renameat(store, id, store, aside) == 0)
            remove_entry(store, aside);
        if (renameat(store, unpacked, store, id) == 0)
            return 0;
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return fail(NULL);
    }
    return fail("keeps changing");
}

static int unpack_and_publish(int store, const struct payload *payload)
{
    char name[64];
    int folder = make_private_folder(store, "unpack", name), result;

    if (folder < 0)
        return -1;
    result = unpack(payload, folder);
    if (result == 0)
        result = write_marker(folder);
    if (result == 0)
        result = publish(store, name, payload->id);
    if (result != 0) {
        const char *why = failure;

        remove_entry(store, name);
        failure = why;
    }
    close(folder);
    return result;
}

/* Make sure that the store holds a complete copy of the payload. On failure nothing of this attempt is left. */
int install_copy(int store, const struct payload *payload)
{
    sigset_t all, before;
    int result;

    lock_store(store);
    if (check_copy(store, payload->id) == 0) {
        flock(store, LOCK_UN);
        return 0; /* unpacked by another process while we waited */
    }
    sigfillset(&all); /* an interrupt would leave a partial folder; finishing takes a fraction of a second */
    sigprocmask(SIG_BLOCK, &all, &before);
    remove_leftovers(store);
    result = unpack_and_publish(store, payload);
    flock(store, LOCK_UN);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return result;
}
