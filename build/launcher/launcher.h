/* What the launcher's four source files share. See launcher.c for the whole picture. */
#ifndef CCO_LAUNCHER_H
#define CCO_LAUNCHER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define ID_LENGTH 32
#define PROGRAM "cco"
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The packed program inside the single file: `length` zlib bytes at `offset` of `fd`. */
struct payload {
    int fd;
    off_t offset;
    off_t length;
    char id[ID_LENGTH + 1];
};

/* Where a store, a folder of unpacked copies, may be. */
struct place {
    char base[PATH_MAX]; /* a folder of the user's or the system's, symlinks followed */
    char leaf[32];       /* the store in it: ours alone, never reached through a symlink */
    bool create_base;
};

/* The reason of the last failure, in words for a person. Every function below that returns -1 has set it. */
extern const char *failure;

/* Set `failure` to `why`, or to errno's words if that is NULL. Always -1. */
int fail(const char *why);

/* copy.c */
int open_store(const struct place *place, bool create, bool *created);
int take_copy(int store, const char *id);
int install_copy(int store, const struct payload *payload);

/* removal.c */
int remove_entry(int parent, const char *name);
int put_aside(int store, const char *name, char aside[64]);
void remove_leftovers(int store);
void remove_old_copies(int store, const char *id);
void remove_superseded(int store, const char *id);

/* unpack.c: write the payload's files below the empty folder `into`. On failure `payload_damaged` tells a
 * payload at fault, which no other folder will help, from a folder that cannot hold it. */
extern bool payload_damaged;
int unpack(const struct payload *payload, int into);

#endif
