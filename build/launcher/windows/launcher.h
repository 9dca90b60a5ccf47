/* What the launcher's source files share on Windows. See launcher.c for the whole picture. */
#ifndef CCO_WINDOWS_LAUNCHER_H
#define CCO_WINDOWS_LAUNCHER_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "../unpack.h"

#include <stdint.h>

#define PROGRAM L"cco.exe"
#define MARKER L".complete"
#define PATH_CHARS 4096
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define HASH_START 0xcbf29ce484222325u

/* Where a store, a folder of unpacked copies, may be: `base` is the user's, the folders below it are ours. */
struct place {
    wchar_t base[PATH_CHARS];
    const wchar_t *folder;
    const wchar_t *subfolder; /* NULL: `folder` is the store */
    bool create_base;
};

/* messages.c */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *utf8(const wchar_t *text, char *buffer, int size);
void widen(const char id[ID_LENGTH + 1], wchar_t wide[ID_LENGTH + 1]);
bool join(wchar_t path[PATH_CHARS], const wchar_t *folder, const wchar_t *name);

/* access.c */
int create_private_folder(const wchar_t *path); /* 0 if it is there afterwards */
int check_folder(const wchar_t *path);

/* files.c */
extern uint64_t unpacked_contents; /* what add_contents would find in the files written so far */
uint64_t hash(uint64_t state, const void *data, size_t size);
uint64_t hash_name(uint64_t state, const wchar_t *name, size_t length);
uint64_t contents_digest(uint64_t path_hash, uint64_t size, uint64_t sum);
int remove_tree(const wchar_t *path);

/* fingerprint.c */
int check_copy(const wchar_t *copy);
int write_marker(const wchar_t *copy);

/* store.c */
int open_store(const struct place *place, bool create, bool *created, wchar_t store[PATH_CHARS]);
void close_store(const struct place *place);
int find_copy(const wchar_t *store, const char *id, wchar_t copy[PATH_CHARS]);
int install_copy(const wchar_t *store, const struct payload *payload, wchar_t copy[PATH_CHARS]);
HANDLE lock_store(const wchar_t *store, int wait_ms);

/* removal.c */
bool exists(const wchar_t *path);
bool is_in_use(const wchar_t *copy);
bool private_path(const wchar_t *store, const wchar_t *purpose, int number, wchar_t path[PATH_CHARS]);
int take_away(const wchar_t *store, const wchar_t *path);
void remove_leftovers(const wchar_t *store);
void remove_old_copies(const wchar_t *store, const char *id);
void remove_superseded(const wchar_t *store, const char *id);

/* process.c */
void ignore_interrupts(void);
void exit_if_interrupted(void);
int run(const wchar_t *program); /* returns only if it could not be started: -1 */

#endif
