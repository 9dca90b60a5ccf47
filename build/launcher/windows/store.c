/* The store: a folder of ours with one unpacked copy of the program per content id.
 *
 *     <store>\<content id>\           a copy, complete if fingerprint.c says so
 *     <store>\<content id>-<n>\       the same, where a damaged one is in use and cannot be taken away
 *     <store>\.unpack-<pid>-<n>\      being unpacked by a process that holds the lock, else a leftover
 *     <store>\.aside-<pid>-<n>\       taken out of the way, being removed
 *     <store>\.superseded-<name>      the copy of this name was in use when another version was unpacked
 *     <store>\.lock                   open in the process that unpacks, gone when that ends
 */
#include "launcher.h"

#include <stdio.h>

#define COPIES 4
#define LOCK_WAIT_MS 10000
#define LOCK_POLL_MS 5
#define PUBLISH_TRIES 100
#define PUBLISH_PAUSE_MS 20

static int open_folder(const wchar_t *path, bool create, bool *created)
{
    if (create && !exists(path)) {
        if (create_private_folder(path) == 0)
            *created = true;
        else if (!exists(path))
            return -1;
    }
    return check_folder(path);
}

/* Find the store, creating it where asked; `*created` tells whether it was. */
int open_store(const struct place *place, bool create, bool *created, wchar_t store[PATH_CHARS])
{
    if (create && place->create_base && !exists(place->base) && !CreateDirectoryW(place->base, NULL))
        return fail(NULL);
    if (!join(store, place->base, place->folder) || open_folder(store, create, created) != 0)
        return -1;
    if (place->subfolder == NULL)
        return 0;
    return join(store, store, place->subfolder) ? open_folder(store, create, created) : -1;
}

/* Remove the store again, unless it is used by now. */
void close_store(const struct place *place)
{
    wchar_t path[PATH_CHARS], below[PATH_CHARS];

    if (!join(path, place->base, place->folder))
        return;
    if (place->subfolder != NULL && join(below, path, place->subfolder))
        RemoveDirectoryW(below);
    RemoveDirectoryW(path);
}

static bool copy_path(const wchar_t *store, const char *id, int number, wchar_t copy[PATH_CHARS])
{
    wchar_t wide_id[ID_LENGTH + 1], name[ID_LENGTH + 8];

    widen(id, wide_id);
    if (number == 0)
        return join(copy, store, wide_id);
    swprintf(name, ID_LENGTH + 8, L"%ls-%d", wide_id, number);
    return join(copy, store, name);
}

/* 0 if the store holds a complete copy of ours under this content id. */
int find_copy(const wchar_t *store, const char *id, wchar_t copy[PATH_CHARS])
{
    for (int number = 0; number < COPIES; number++) {
        if (!copy_path(store, id, number, copy))
            return -1;
        if (!exists(copy))
            return fail(NULL);
        if (check_copy(copy) == 0)
            return 0;
    }
    return -1;
}

/* Wait at most so long for whoever is unpacking into this store. Returns a handle to close, or that of nothing. */
HANDLE lock_store(const wchar_t *store, int wait_ms)
{
    wchar_t path[PATH_CHARS];

    for (int waited_ms = 0; join(path, store, L".lock") && waited_ms <= wait_ms; waited_ms += LOCK_POLL_MS) {
        HANDLE lock = CreateFileW(path, GENERIC_WRITE | DELETE, 0, NULL, OPEN_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);

        if (lock != INVALID_HANDLE_VALUE)
            return lock;
        if (GetLastError() != ERROR_SHARING_VIOLATION && GetLastError() != ERROR_ACCESS_DENIED)
            break;
        Sleep(LOCK_POLL_MS); /* another holds it, or has just closed it */
    }
    return INVALID_HANDLE_VALUE;
}

static int make_private_folder(const wchar_t *store, wchar_t path[PATH_CHARS])
{
    for (int number = 0; number < 100; number++) {
        if (!private_path(store, L"unpack", number, path))
            return -1;
        if (create_private_folder(path) == 0)
            return 0;
        if (!exists(path))
            return -1;
    }
    return fail("too many leftovers");
}

/* Rename the unpacked folder to its content id. If another process was first, theirs stays. */
static int publish(const wchar_t *store, const wchar_t *unpacked, const char *id, wchar_t copy[PATH_CHARS])
{
    int number = 0;

    for (int attempt = 0; attempt < PUBLISH_TRIES && number < COPIES; attempt++) {
        if (!copy_path(store, id, number, copy))
            return -1;
        if (exists(copy)) {
            if (check_copy(copy) == 0) {
                remove_tree(unpacked);
                return 0;
            }
            if (is_in_use(copy) || take_away(store, copy) != 0) {
                number++;
                continue;
            }
        }
        if (MoveFileExW(unpacked, copy, 0))
            return 0;
        if (GetLastError() == ERROR_ALREADY_EXISTS || GetLastError() == ERROR_FILE_EXISTS)
            continue;
        if (GetLastError() != ERROR_ACCESS_DENIED && GetLastError() != ERROR_SHARING_VIOLATION)
            return fail(NULL);
        fail(NULL);
        Sleep(PUBLISH_PAUSE_MS); /* a virus scanner looks at what is new */
    }
    return number < COPIES ? -1 : fail("damaged copies are in use; end what runs from there");
}

static int unpack_and_publish(const wchar_t *store, const struct payload *payload, wchar_t copy[PATH_CHARS])
{
    wchar_t path[PATH_CHARS];
    int result;

    if (make_private_folder(store, path) != 0)
        return -1;
    unpacked_contents = 0;
    result = unpack(payload, path);
    if (result == 0)
        result = write_marker(path);
    if (result == 0)
        result = publish(store, path, payload->id, copy);
    if (result != 0) {
        const char *why = failure;

        remove_tree(path);
        failure = why;
    }
    return result;
}

/* Make sure that the store holds a complete copy of the payload, and remove those of other versions that nobody
 * runs from. On failure nothing of this attempt is left. */
int install_copy(const wchar_t *store, const struct payload *payload, wchar_t copy[PATH_CHARS])
{
    HANDLE lock = lock_store(store, LOCK_WAIT_MS); /* those who are stuck are not waited for longer */
    int result = find_copy(store, payload->id, copy); /* perhaps another process has unpacked it meanwhile */

    if (result != 0) {
        remove_leftovers(store);
        result = unpack_and_publish(store, payload, copy);
        if (result == 0)
            remove_old_copies(store, payload->id);
    }
    if (lock != INVALID_HANDLE_VALUE)
        CloseHandle(lock);
    return result;
}
