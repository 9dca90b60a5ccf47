/* Whether an unpacked copy is still as it was unpacked.
 *
 * The marker in it holds the sums over all entries of (path, size, time of last write), of (file id, time of the
 * last change of any kind), and of the files' contents. As long as the first two match nothing is read. The second
 * changes with any edit, but also when a virus scanner or Windows itself attaches something to a file: then the
 * contents decide, and if they are the same the marker takes up the new times.
 * This guards against damage and accidents. It is no barrier to a program that runs as the same user, which could
 * as well replace the single file.
 */
#include "launcher.h"

#define XXH_STATIC_LINKING_ONLY /* its state is kept here, not allocated */
#include <common/xxhash.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LISTING_BYTES (64 * 1024)
#define MARKER_LENGTH 160
#define TELLING (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE)

struct fingerprint {
    uint64_t entries, bytes;
    uint64_t lasting; /* paths, sizes, times of last write */
    uint64_t changes; /* file ids, times of last change */
    uint64_t contents;
    bool read_contents;
};

static int add_folder(const wchar_t *path, uint64_t path_hash, bool top, struct fingerprint *sum);

static int add_contents(const wchar_t *path, uint64_t path_hash, struct fingerprint *sum)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);
    static unsigned char buffer[256 * 1024];
    uint64_t size = 0;
    XXH64_state_t state;
    DWORD got;
    BOOL read;

    if (file == INVALID_HANDLE_VALUE)
        return fail(NULL);
    XXH64_reset(&state, 0);
    while ((read = ReadFile(file, buffer, sizeof buffer, &got, NULL)) && got > 0) {
        XXH64_update(&state, buffer, got);
        size += got;
    }
    CloseHandle(file);
    if (!read)
        return fail(NULL);
    sum->contents += contents_digest(path_hash, size, XXH64_digest(&state));
    return 0;
}

static int add_entry(const wchar_t *folder, uint64_t path_hash, bool top, const FILE_ID_BOTH_DIR_INFO *entry,
                     struct fingerprint *sum)
{
    size_t length = entry->FileNameLength / sizeof(wchar_t);
    DWORD attributes = entry->FileAttributes & TELLING;
    wchar_t name[MAX_PATH], path[PATH_CHARS];
    uint64_t own_hash, state;

    if (length >= MAX_PATH)
        return fail("damaged copy");
    memcpy(name, entry->FileName, length * sizeof *name);
    name[length] = L'\0';
    if (wcscmp(name, L".") == 0 || wcscmp(name, L"..") == 0 || (top && wcscmp(name, MARKER) == 0))
        return 0;
    if (attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return fail("damaged copy");
    if (!join(path, folder, name))
        return -1;
    own_hash = hash_name(path_hash, name, length);
    state = hash(own_hash, &attributes, sizeof attributes);
    sum->entries++;
    if (attributes & FILE_ATTRIBUTE_DIRECTORY) { /* a folder's own times change with no change that matters */
        sum->lasting += state;
        return add_folder(path, own_hash, false, sum);
    }
    state = hash(state, &entry->EndOfFile, sizeof entry->EndOfFile);
    sum->lasting += hash(state, &entry->LastWriteTime, sizeof entry->LastWriteTime);
    state = hash(state, &entry->FileId, sizeof entry->FileId);
    sum->changes += hash(state, &entry->ChangeTime, sizeof entry->ChangeTime);
    sum->bytes += (uint64_t)entry->EndOfFile.QuadPart;
    return sum->read_contents ? add_contents(path, own_hash, sum) : 0;
}

/* Add everything below the folder to the fingerprint, in whatever order. */
static int add_folder(const wchar_t *path, uint64_t path_hash, bool top, struct fingerprint *sum)
{
    HANDLE folder = CreateFileW(path, FILE_LIST_DIRECTORY, SHARE_ALL, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    void *listing = malloc(LISTING_BYTES);
    int result = 0;

    if (folder == INVALID_HANDLE_VALUE || listing == NULL)
        result = fail(listing == NULL ? "out of memory" : NULL);
    while (result == 0 && GetFileInformationByHandleEx(folder, FileIdBothDirectoryInfo, listing, LISTING_BYTES)) {
        const FILE_ID_BOTH_DIR_INFO *entry = listing;

        while ((result = add_entry(path, path_hash, top, entry, sum)) == 0 && entry->NextEntryOffset != 0)
            entry = (const void *)((const char *)entry + entry->NextEntryOffset);
    }
    if (result == 0 && GetLastError() != ERROR_NO_MORE_FILES)
        result = fail(NULL);
    free(listing);
    if (folder != INVALID_HANDLE_VALUE)
        CloseHandle(folder);
    return result;
}

static int take_fingerprint(const wchar_t *copy, bool read_contents, struct fingerprint *sum)
{
    memset(sum, 0, sizeof *sum);
    sum->read_contents = read_contents;
    return add_folder(copy, HASH_START, true, sum);
}

/* Write into `text` what the marker of a copy must say, and return how much of it lasts. */
static size_t describe(const struct fingerprint *sum, char text[MARKER_LENGTH])
{
    int lasting = snprintf(text, MARKER_LENGTH, "cco-copy 2 %" PRIx64 " %" PRIx64 " %016" PRIx64 " ", sum->entries,
                           sum->bytes, sum->lasting);

    snprintf(text + lasting, (size_t)(MARKER_LENGTH - lasting), "%016" PRIx64 " %016" PRIx64 "\n", sum->changes,
             sum->contents);
    return (size_t)lasting;
}

static int save_marker(const wchar_t *copy, const char *text, DWORD disposition)
{
    wchar_t path[PATH_CHARS];
    DWORD length = (DWORD)strlen(text), written;
    HANDLE marker;
    BOOL saved;

    if (!join(path, copy, MARKER))
        return -1;
    marker = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, disposition, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (marker == INVALID_HANDLE_VALUE)
        return fail(NULL);
    saved = WriteFile(marker, text, length, &written, NULL) && written == length;
    if (!saved)
        fail(NULL);
    CloseHandle(marker);
    return saved ? 0 : -1;
}

static DWORD read_marker(const wchar_t *copy, char text[MARKER_LENGTH])
{
    wchar_t path[PATH_CHARS];
    DWORD got = 0;
    HANDLE marker;

    if (!join(path, copy, MARKER))
        return 0;
    marker = CreateFileW(path, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (marker == INVALID_HANDLE_VALUE)
        return 0;
    if (!ReadFile(marker, text, MARKER_LENGTH, &got, NULL))
        got = 0;
    CloseHandle(marker);
    return got;
}

/* Say that the copy, which was just unpacked, is complete. */
int write_marker(const wchar_t *copy)
{
    struct fingerprint sum;
    char text[MARKER_LENGTH];

    if (take_fingerprint(copy, false, &sum) != 0)
        return -1;
    sum.contents = unpacked_contents;
    describe(&sum, text);
    return save_marker(copy, text, CREATE_NEW);
}

/* 0 if the folder is a complete copy of ours. */
int check_copy(const wchar_t *copy)
{
    char expected[MARKER_LENGTH], found[MARKER_LENGTH];
    struct fingerprint sum;
    size_t lasting, length;
    DWORD got;

    if (check_folder(copy) != 0)
        return -1;
    got = read_marker(copy, found);
    if (take_fingerprint(copy, false, &sum) != 0)
        return -1;
    lasting = describe(&sum, expected);
    length = strlen(expected);
    if (got != length || memcmp(found, expected, lasting) != 0)
        return fail("damaged copy");
    if (memcmp(found + lasting, expected + lasting, 16) == 0)
        return 0;
    if (take_fingerprint(copy, true, &sum) != 0)
        return -1;
    describe(&sum, expected);
    if (memcmp(found, expected, lasting) != 0 || memcmp(found + lasting + 16, expected + lasting + 16, 16 + 2) != 0)
        return fail("damaged copy");
    save_marker(copy, expected, OPEN_EXISTING); /* else the next start reads everything again */
    return 0;
}
