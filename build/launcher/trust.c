/* Whom a folder is left to: whether anybody but this user and root decides what is in it, or in its place. */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "launcher.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/xattr.h>
#endif

#define UNMAPPED 65534 /* as whom a user namespace shows root */

/* Whether somebody is neither this user nor root. */
bool belongs_to_another(const struct stat *status)
{
    return status->st_uid != geteuid() && status->st_uid != 0;
}

/* Whether only this user (or root, for a `base`) decides what the open folder contains. */
int check_folder(int folder, bool base)
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

/* Whether what a folder's group may do only this user and root may: cco/sealing/replaceable.py decides the same.
 * Under an access list the group's bits stand for whoever is in the list. */
static bool is_own_group(const char *path, gid_t id)
{
    const struct passwd *account;
    const struct group *group;

#ifdef __linux__
    if (lgetxattr(path, "system.posix_acl_access", NULL, 0) >= 0)
        return false;
#else
    (void)path;
#endif
    if (id == 0)
        return true;
    account = getpwuid(geteuid());
    group = getgrgid(id);
    if (account == NULL || group == NULL)
        return id == getegid() || id == geteuid();
    if (id != getegid() || strcmp(group->gr_name, account->pw_name) != 0)
        return false;
    for (char **member = group->gr_mem; *member != NULL; member++)
        if (strcmp(*member, account->pw_name) != 0)
            return false;
    return true;
}

/* Whether nobody else can put a folder of theirs in the place of one above the open base: its program is started
 * by its path, after its copy was looked at. The path must be free of symlinks; one that appears is refused. */
int check_way(const char *real)
{
    char above[PATH_MAX];
    struct stat status;
    char *end;

    snprintf(above, sizeof above, "%s", real);
    while (above[1] != '\0' && (end = strrchr(above, '/')) != NULL) {
        end[end == above] = '\0';
        if (lstat(above, &status) != 0)
            return fail(NULL);
        if (belongs_to_another(&status) && status.st_uid != UNMAPPED)
            return fail("a folder above it belongs to another user");
        if ((status.st_mode & S_ISVTX) || !(status.st_mode & WRITABLE_BY_OTHERS))
            continue;
        if ((status.st_mode & S_IWOTH) || !is_own_group(above, status.st_gid))
            return fail("other users can replace a folder above it");
    }
    return 0;
}
