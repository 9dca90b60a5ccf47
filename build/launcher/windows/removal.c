/* What goes from a store: what the dead have left, and the copies of other versions.
 *
 * A copy is in use while a program runs from it: nobody can open the file of a running program for writing. One
 * that is in use when another version is unpacked is noted as superseded, and a later start of another version
 * removes it.
 */
#include "launcher.h"

#include <stdio.h>

#define SUPERSEDED L".superseded-"
#define SUPERSEDED_LENGTH 12

bool exists(const wchar_t *path)
{
    return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

/* Whether a program runs from this copy. */
bool is_in_use(const wchar_t *copy)
{
    wchar_t program[PATH_CHARS];
    HANDLE file;

    if (!join(program, copy, PROGRAM))
        return true;
    file = CreateFileW(program, GENERIC_WRITE, SHARE_ALL, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return GetLastError() == ERROR_SHARING_VIOLATION;
    CloseHandle(file);
    return false;
}

/* A path in the store for a private folder. Not shorter than a copy's own, so that what fits here fits there. */
bool private_path(const wchar_t *store, const wchar_t *purpose, int number, wchar_t path[PATH_CHARS])
{
    wchar_t name[64];

    swprintf(name, 64, L".%ls-%024lu-%02d", purpose, GetCurrentProcessId(), number);
    return join(path, store, name);
}

/* Take a folder out of the way and remove it. Fails, with nothing changed, while somebody works with its files. */
int take_away(const wchar_t *store, const wchar_t *path)
{
    wchar_t aside[PATH_CHARS];

    for (int number = 0; number < 100; number++) {
        if (!private_path(store, L"aside", number, aside))
            return -1;
        if (exists(aside))
            continue;
        if (!MoveFileExW(path, aside, 0))
            return fail(NULL);
        remove_tree(aside);
        return 0;
    }
    return fail("too many leftovers");
}

/* Call `act` for every entry of the store that matches. */
static void for_each(const wchar_t *store, const wchar_t *pattern, const char *id,
                     void (*act)(const wchar_t *store, const wchar_t *name, const char *id))
{
    wchar_t path[PATH_CHARS];
    WIN32_FIND_DATAW entry;
    HANDLE listing;

    if (!join(path, store, pattern))
        return;
    listing = FindFirstFileW(path, &entry);
    if (listing == INVALID_HANDLE_VALUE)
        return;
    do {
        act(store, entry.cFileName, id);
    } while (FindNextFileW(listing, &entry));
    FindClose(listing);
}

static void remove_leftover(const wchar_t *store, const wchar_t *name, const char *id)
{
    wchar_t path[PATH_CHARS];

    (void)id;
    if (!join(path, store, name))
        return;
    if (wcsncmp(name, L".unpack-", 8) == 0)
        take_away(store, path);
    else if (wcsncmp(name, L".aside-", 7) == 0)
        remove_tree(path);
}

/* Remove what processes that died have left. The store must be locked. */
void remove_leftovers(const wchar_t *store)
{
    for_each(store, L".*", NULL, remove_leftover);
}

/* Whether an entry is named as a copy is, of another version than this one. */
static bool is_old_copy(const wchar_t *name, const char *id)
{
    wchar_t own[ID_LENGTH + 1];

    widen(id, own);
    return wcsspn(name, L"0123456789abcdef") == ID_LENGTH && (name[ID_LENGTH] == L'\0' || name[ID_LENGTH] == L'-') &&
           wcsncmp(name, own, ID_LENGTH) != 0;
}

static void remove_old_copy(const wchar_t *store, const wchar_t *name, const char *id)
{
    wchar_t path[PATH_CHARS], note_name[SUPERSEDED_LENGTH + MAX_PATH];
    HANDLE note;

    if (!is_old_copy(name, id) || !join(path, store, name))
        return;
    if (!is_in_use(path) && take_away(store, path) == 0)
        return;
    swprintf(note_name, SUPERSEDED_LENGTH + MAX_PATH, SUPERSEDED L"%ls", name);
    if (!join(path, store, note_name))
        return;
    note = CreateFileW(path, GENERIC_WRITE, SHARE_ALL, NULL, OPEN_ALWAYS, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (note != INVALID_HANDLE_VALUE)
        CloseHandle(note);
}

/* Remove the copies of all versions but this one. The store must be locked. */
void remove_old_copies(const wchar_t *store, const char *id)
{
    for_each(store, L"*", id, remove_old_copy);
}

static void remove_noted(const wchar_t *store, const wchar_t *name, const char *id)
{
    const wchar_t *old = name + SUPERSEDED_LENGTH;
    wchar_t path[PATH_CHARS];
    HANDLE lock;

    if (!is_old_copy(old, id) || !join(path, store, old) || is_in_use(path))
        return;
    lock = lock_store(store, 0);
    if (lock == INVALID_HANDLE_VALUE)
        return;
    if ((!exists(path) || take_away(store, path) == 0) && join(path, store, name))
        DeleteFileW(path);
    CloseHandle(lock);
}

/* Remove the copies that were in use when another version was unpacked, and are not any more. */
void remove_superseded(const wchar_t *store, const char *id)
{
    for_each(store, SUPERSEDED L"*", id, remove_noted);
}
