/* cco's launcher on Windows: one file that unpacks itself once per user, then runs the program inside.
 *
 * The single file is made as on other systems (see ../launcher.c), but may have a signature behind the trailer. The
 * payload is unpacked to <store>\<content id>\, the store being `cco\Cache` in %LOCALAPPDATA% or the first other
 * folder that can hold it (see list_places). <store>\<content id>\cco.exe is run with the same command line and, in
 * the environment, CCO_EXECUTABLE, the path of the single file. store.c keeps the store, removal.c tidies it,
 * fingerprint.c tells a damaged copy, access.c whose a folder is, process.c runs the program.
 *
 * A start looks for a good copy in every place before it unpacks into any. Failures of the launcher itself exit
 * with 125.
 */
#include "launcher.h"

#include <knownfolders.h>
#include <shlobj.h>
#include <stdio.h>

#define MAX_PLACES 6
#define SECURITY_DIRECTORY_64 (24 + 112 + 4 * 8) /* from the PE signature: headers, then the fifth directory */

static struct place places[MAX_PLACES];
static int place_count;
static wchar_t self[PATH_CHARS];
static char self_utf8[PATH_CHARS * 3];
static char tried[8192];

/* Open this file and put its path, links followed, into `self`. */
static HANDLE open_self(void)
{
    static wchar_t found[PATH_CHARS + 8] = L"\\\\?\\";
    DWORD length = GetModuleFileNameW(NULL, self, PATH_CHARS);
    bool plain = wcsncmp(self, L"\\\\", 2) != 0; /* neither a share nor prefixed already */
    HANDLE file;

    if (length == 0 || length >= PATH_CHARS)
        die("cannot find its own file: its path is too long");
    wcscpy(found + (plain ? 4 : 0), self); /* prefixed, a path of any length can be opened */
    file = CreateFileW(found, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        fail(NULL);
        die("cannot read its own file %s: %s", utf8(self, self_utf8, sizeof self_utf8), failure);
    }
    length = GetFinalPathNameByHandleW(file, found, PATH_CHARS, VOLUME_NAME_DOS);
    if (length > 0 && length < PATH_CHARS) {
        if (wcsncmp(found, L"\\\\?\\UNC\\", 8) == 0)
            swprintf(self, PATH_CHARS, L"\\\\%ls", found + 8);
        else if (wcsncmp(found, L"\\\\?\\", 4) == 0 && found[5] == L':')
            wcscpy(self, found + 4);
    }
    utf8(self, self_utf8, sizeof self_utf8);
    return file;
}

static bool read_at(HANDLE file, off_t position, void *buffer, DWORD size)
{
    OVERLAPPED place = {.Offset = (DWORD)position, .OffsetHigh = (DWORD)(position >> 32)};
    DWORD got;

    return position >= 0 && ReadFile(file, buffer, size, &got, &place) && got == size;
}

/* Where the file ends, but for a signature, which is appended to it. */
static off_t unsigned_end(HANDLE file)
{
    LARGE_INTEGER size;
    DWORD header, signature = 0;

    if (!GetFileSizeEx(file, &size))
        return 0;
    if (read_at(file, offsetof(IMAGE_DOS_HEADER, e_lfanew), &header, sizeof header) &&
        read_at(file, (off_t)header + SECURITY_DIRECTORY_64, &signature, sizeof signature) && signature != 0)
        return signature;
    return size.QuadPart;
}

static void read_trailer(struct payload *payload)
{
    unsigned char trailer[TRAILER_LENGTH];
    off_t position = unsigned_end(payload->single_file) - TRAILER_LENGTH;

    if (!read_at(payload->single_file, position, trailer, sizeof trailer) ||
        !find_payload(trailer, position, payload))
        die("%s is incomplete or was modified; download it again", self_utf8);
}

static void add_place(const wchar_t *base, const wchar_t *folder, const wchar_t *subfolder, bool create_base)
{
    struct place *place = &places[place_count];
    bool absolute = (base[0] != L'\0' && base[1] == L':' && (base[2] == L'\\' || base[2] == L'/')) ||
                    wcsncmp(base, L"\\\\", 2) == 0;
    DWORD length;

    if (!absolute || place_count == MAX_PLACES)
        return; /* a relative path means another folder at every start */
    length = GetFullPathNameW(base, PATH_CHARS, place->base, NULL);
    if (length == 0 || length >= PATH_CHARS)
        return;
    if (length > 3 && place->base[length - 1] == L'\\')
        place->base[length - 1] = L'\0';
    place->folder = folder;
    place->subfolder = subfolder;
    place->create_base = create_base;
    for (int i = 0; i < place_count; i++)
        if (_wcsicmp(places[i].base, place->base) == 0 && places[i].folder == folder && places[i].subfolder == subfolder)
            return;
    place_count++;
}

static void add_known_folder(void)
{
    HMODULE shell = LoadLibraryExW(L"shell32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    HRESULT(WINAPI * ask)(REFKNOWNFOLDERID, DWORD, HANDLE, PWSTR *) = NULL;
    PWSTR path;

    if (shell != NULL)
        ask = (void *)GetProcAddress(shell, "SHGetKnownFolderPath");
    if (ask != NULL && ask(&FOLDERID_LocalAppData, 0, NULL, &path) == S_OK)
        add_place(path, L"cco", L"Cache", false);
}

static const wchar_t *variable(const wchar_t *name)
{
    static wchar_t value[PATH_CHARS];
    DWORD length = GetEnvironmentVariableW(name, value, PATH_CHARS);

    return length > 0 && length < PATH_CHARS ? value : L"";
}

/* The folders that may hold unpacked copies, best first. */
static void list_places(void)
{
    add_place(variable(L"XDG_CACHE_HOME"), L"cco", NULL, true);
    add_place(variable(L"LOCALAPPDATA"), L"cco", L"Cache", false);
    if (place_count == 0)
        add_known_folder();
    add_place(variable(L"TEMP"), L"cco-cache", NULL, false);
    add_place(variable(L"TMP"), L"cco-cache", NULL, false);
}

/* Remember for the last message that this place could not be used, and why. */
static void note_failure(const struct place *place)
{
    static wchar_t path[PATH_CHARS];
    static char text[PATH_CHARS * 3];
    size_t used = strlen(tried);

    if (!join(path, place->base, place->folder) ||
        (place->subfolder != NULL && !join(path, path, place->subfolder)))
        return;
    snprintf(tried + used, sizeof tried - used, "%s%s (%s)", used ? ", " : "", utf8(path, text, sizeof text), failure);
}

/* Run the program of this copy. Returns only if the place does not let programs run: -1. */
static int run_copy(const wchar_t *copy)
{
    static wchar_t program[PATH_CHARS];

    if (!join(program, copy, PROGRAM))
        return -1;
    /* A cco above us, or what it started, may have left these: they would make ours take itself for its child. */
    SetEnvironmentVariableW(L"_PYI_ARCHIVE_FILE", NULL);
    SetEnvironmentVariableW(L"_PYI_PARENT_PROCESS_LEVEL", NULL);
    if (!SetEnvironmentVariableW(L"CCO_EXECUTABLE", self))
        return fail(NULL);
    return run(program);
}

/* Remove older versions' copies from the places that were better, or the only ones, in their time. */
static void tidy_other_places(const struct place *used, const char *id)
{
    static wchar_t store[PATH_CHARS];

    for (int i = 0; i < place_count; i++) {
        HANDLE lock;

        if (&places[i] == used || open_store(&places[i], false, NULL, store) != 0)
            continue;
        lock = lock_store(store, 0);
        if (lock == INVALID_HANDLE_VALUE)
            continue;
        remove_old_copies(store, id);
        CloseHandle(lock);
    }
}

/* Unpack into this place and run the program. Returns only on failure, with nothing left behind. */
static void unpack_and_run(const struct place *place, const struct payload *payload)
{
    static wchar_t store[PATH_CHARS], copy[PATH_CHARS];
    bool created = false;

    if (open_store(place, true, &created, store) == 0 && install_copy(store, payload, copy) == 0) {
        const char *why;

        tidy_other_places(place, payload->id);
        run_copy(copy);
        why = failure;
        remove_tree(copy);
        failure = why;
    }
    note_failure(place);
    if (created)
        close_store(place);
    if (payload_damaged)
        die("%s is damaged (%s); download it again", self_utf8, failure);
}

int main(void)
{
    static wchar_t store[PATH_CHARS], copy[PATH_CHARS];
    struct payload payload;

    ignore_interrupts();
    payload.single_file = open_self();
    read_trailer(&payload);
    list_places();
    for (int i = 0; i < place_count; i++)
        if (open_store(&places[i], false, NULL, store) == 0 && find_copy(store, payload.id, copy) == 0) {
            remove_superseded(store, payload.id);
            run_copy(copy);
        }
    for (int i = 0; i < place_count; i++)
        unpack_and_run(&places[i], &payload);
    die("found no folder to unpack into; tried %s. Set XDG_CACHE_HOME to a folder of your own with 40 MB free, on a "
        "disk that lets programs run.", tried[0] ? tried : "none");
}
