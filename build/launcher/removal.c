/* What goes from a store: what the dead have left, and the copies of other versions.
 *
 * Who runs from a copy holds a shared flock on its folder; who can have an exclusive one may remove it. A copy
 * that is in use when another version is unpacked is noted as superseded, and a later start of another version
 * removes it. On a file system without locks every copy stays.
 */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LEFTOVER_AGE_S 3600
#define SUPERSEDED ".superseded-"
#define SUPERSEDED_LENGTH (sizeof SUPERSEDED - 1)

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
void remove_leftovers(int store)
{
    int folder = openat(store, ".", OPEN_FOLDER);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;
    struct stat status;

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        int leftover;
        bool dead;

        if (strncmp(entry->d_name, ".unpack-", 8) != 0 && strncmp(entry->d_name, ".aside-", 7) != 0)
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

/* Rename an entry, so that nobody takes it for a copy any more; `aside` is its new name. */
int put_aside(int store, const char *name, char aside[64])
{
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(aside, 64, ".aside-%ld-%d", (long)getpid(), attempt);
        if (renameat(store, name, store, aside) == 0)
            return 0;
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR && errno != EISDIR)
            break;
    }
    return fail(NULL);
}

static bool is_content_id(const char *name)
{
    return strlen(name) == ID_LENGTH && strspn(name, "0123456789abcdef") == ID_LENGTH;
}

/* Remove a copy unless somebody runs from it; whether somebody does. The store must be locked. */
static bool remove_unless_used(int store, const char *id)
{
    char aside[64];
    int copy = openat(store, id, OPEN_FOLDER);
    bool used = false;

    if (copy < 0)
        return false; /* there is none, or it is no folder and so no copy of ours */
    if (flock(copy, LOCK_EX | LOCK_NB) != 0)
        used = errno == EWOULDBLOCK;
    else if (put_aside(store, id, aside) == 0)
        remove_entry(store, aside);
    close(copy);
    return used;
}

static void note_superseded(int store, const char *id)
{
    char name[SUPERSEDED_LENGTH + ID_LENGTH + 1];
    int note;

    snprintf(name, sizeof name, SUPERSEDED "%.*s", ID_LENGTH, id);
    note = openat(store, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (note >= 0)
        close(note);
}

/* Remove the copies of all versions but this one. The store must be locked. */
void remove_old_copies(int store, const char *id)
{
    int folder = openat(store, ".", OPEN_FOLDER);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;

    while (listing != NULL && (entry = readdir(listing)) != NULL)
        if (is_content_id(entry->d_name) && strcmp(entry->d_name, id) != 0 &&
            remove_unless_used(store, entry->d_name))
            note_superseded(store, entry->d_name);
    if (listing != NULL)
        closedir(listing);
}

/* Remove the copies that were in use when another version was unpacked, and are not any more. */
void remove_superseded(int store, const char *id)
{
    int folder = openat(store, ".", OPEN_FOLDER);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        const char *old = entry->d_name + SUPERSEDED_LENGTH;

        if (strncmp(entry->d_name, SUPERSEDED, SUPERSEDED_LENGTH) != 0 || !is_content_id(old))
            continue;
        if (strcmp(old, id) == 0 || flock(store, LOCK_EX | LOCK_NB) != 0)
            continue;
        if (!remove_unless_used(store, old))
            unlinkat(store, entry->d_name, 0);
        flock(store, LOCK_UN);
    }
    if (listing != NULL)
        closedir(listing);
}
