/* What the launcher's source files share on POSIX. See launcher.c for the whole picture. */
#ifndef CCO_LAUNCHER_H
#define CCO_LAUNCHER_H

#include "unpack.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define PROGRAM "cco"
#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Where a store, a folder of unpacked copies, may be. */
struct place {
    char base[PATH_MAX]; /* a folder of the user's or the system's; open_store resolves symlinks */
    char leaf[32];       /* the store in it: ours alone, never reached through a symlink */
    bool create_base;
};

/* trust.c */
bool belongs_to_another(const struct stat *status);
int check_folder(int folder, bool base);
int check_way(const char *real);

/* copy.c */
int open_store(struct place *place, bool create, bool *created);
int take_copy(int store, const char *id);
int install_copy(int store, const struct payload *payload);

/* removal.c */
int remove_entry(int parent, const char *name);
int put_aside(int store, const char *name, char aside[64]);
void remove_leftovers(int store);
void remove_old_copies(int store, const char *id);
void remove_superseded(int store, const char *id);

#endif
