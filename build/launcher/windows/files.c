/* The system's part of unpacking, on Windows: what unpack.c reads from and writes to, and how it goes away. */
#include "launcher.h"

#define XXH_STATIC_LINKING_ONLY /* its state is kept here, not allocated */
#include <common/xxhash.h>

uint64_t unpacked_contents;

static struct {
    uint64_t path_hash, size;
    XXH64_state_t sum;
} current; /* the one file that is being written */

uint64_t hash(uint64_t state, const void *data, size_t size) /* FNV-1a */
{
    const unsigned char *bytes = data;

    while (size--)
        state = (state ^ *bytes++) * 0x100000001b3u;
    return state;
}

/* Add one component of a path. */
uint64_t hash_name(uint64_t state, const wchar_t *name, size_t length)
{
    return hash(hash(state, name, length * sizeof *name), L"", sizeof *name);
}

uint64_t contents_digest(uint64_t path_hash, uint64_t size, uint64_t sum)
{
    return hash(hash(path_hash, &size, sizeof size), &sum, sizeof sum);
}

/* The whole path of an entry, and the hash of its path inside. */
static int entry_path(folder_ref into, const char *name, wchar_t path[PATH_CHARS], uint64_t *path_hash)
{
    wchar_t relative[512];
    int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, relative, 512);

    if (length == 0)
        return fail(NULL);
    *path_hash = HASH_START;
    for (wchar_t *part = relative; *part != L'\0';) {
        size_t size = wcscspn(part, L"/");

        *path_hash = hash_name(*path_hash, part, size);
        part += size;
        if (*part == L'/')
            *part++ = L'\\';
    }
    return join(path, into, relative) ? 0 : -1;
}

size_t read_payload(const struct payload *payload, void *buffer, size_t size, off_t position)
{
    ULONGLONG at = (ULONGLONG)(payload->offset + position);
    OVERLAPPED place = {.Offset = (DWORD)at, .OffsetHigh = (DWORD)(at >> 32)};
    DWORD got;

    return ReadFile(payload->single_file, buffer, (DWORD)size, &got, &place) ? got : 0;
}

int create_file(folder_ref into, const char *name, file_ref *created)
{
    wchar_t path[PATH_CHARS];

    if (entry_path(into, name, path, &current.path_hash) != 0)
        return -1;
    current.size = 0;
    XXH64_reset(&current.sum, 0);
    *created = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    return *created != INVALID_HANDLE_VALUE ? 0 : fail(NULL);
}

int write_file(file_ref created, const void *data, size_t size)
{
    DWORD written;

    if (!WriteFile(created, data, (DWORD)size, &written, NULL))
        return fail(NULL);
    if (written != size)
        return fail("the disk is full");
    current.size += size;
    XXH64_update(&current.sum, data, size);
    return 0;
}

int finish_file(file_ref created, bool executable, bool complete)
{
    (void)executable; /* what may run is decided by names here */
    if (complete)
        unpacked_contents += contents_digest(current.path_hash, current.size, XXH64_digest(&current.sum));
    if (!CloseHandle(created) && complete)
        return fail(NULL);
    return 0;
}

int create_folder(folder_ref into, const char *name)
{
    wchar_t path[PATH_CHARS];
    uint64_t unused;

    if (entry_path(into, name, path, &unused) != 0)
        return -1;
    return CreateDirectoryW(path, NULL) ? 0 : fail(NULL);
}

int create_link(folder_ref into, const char *name, const char *target)
{
    (void)into, (void)name, (void)target;
    payload_damaged = true;
    return fail("it holds a link, which needs a privilege here");
}

/* Remove a file, a link, or a folder and what is in it. */
int remove_tree(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);
    WIN32_FIND_DATAW entry;
    wchar_t below[PATH_CHARS];
    HANDLE listing;

    if (attributes == INVALID_FILE_ATTRIBUTES)
        return fail(NULL);
    if (attributes & FILE_ATTRIBUTE_READONLY)
        SetFileAttributesW(path, attributes & ~(DWORD)FILE_ATTRIBUTE_READONLY);
    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
        return DeleteFileW(path) ? 0 : fail(NULL);
    if (!(attributes & FILE_ATTRIBUTE_REPARSE_POINT) && join(below, path, L"*")) {
        listing = FindFirstFileW(below, &entry);
        if (listing != INVALID_HANDLE_VALUE) {
            do {
                if (wcscmp(entry.cFileName, L".") != 0 && wcscmp(entry.cFileName, L"..") != 0 &&
                    join(below, path, entry.cFileName))
                    remove_tree(below);
            } while (FindNextFileW(listing, &entry));
            FindClose(listing);
        }
    }
    return RemoveDirectoryW(path) ? 0 : fail(NULL);
}
