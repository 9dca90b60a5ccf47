/* A program in the place of Claude Code that writes down how it was started, then ends as it is told.
 *
 * Beside itself, or in FAKE_REPORTS, it writes start.<pid>, in one step: zero-terminated UTF-8 strings, namely its
 * folder at start, the number of its arguments, the arguments, its environment. Then
 *     FAKE_OUTPUT=<text>   it prints the text
 *     FAKE_HOLD=1          it stays until it is killed, or a console event arrives: that is its exit code, plus 100
 *     FAKE_EXIT=<number>   it ends with this exit code
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

static volatile LONG events, last_event;

static BOOL WINAPI on_event(DWORD event)
{
    last_event = (LONG)event;
    InterlockedIncrement(&events);
    return TRUE;
}

static void put(FILE *file, const wchar_t *text)
{
    static char bytes[3 * 32768];

    fwrite(bytes, 1, (size_t)WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL), file);
}

static void report(int argc, wchar_t **argv)
{
    static wchar_t into[32768], draft[32800], path[32800], folder[32768];
    wchar_t count[16];
    FILE *file;

    if (GetEnvironmentVariableW(L"FAKE_REPORTS", into, 32768) == 0) {
        GetModuleFileNameW(NULL, into, 32768);
        *wcsrchr(into, L'\\') = L'\0';
    }
    _snwprintf(draft, 32800, L"%ls\\.draft.%lu", into, GetCurrentProcessId());
    _snwprintf(path, 32800, L"%ls\\start.%lu", into, GetCurrentProcessId());
    GetCurrentDirectoryW(32768, folder);
    _snwprintf(count, 16, L"%d", argc - 1);
    file = _wfopen(draft, L"wb");
    if (file == NULL)
        exit(99);
    put(file, folder);
    put(file, count);
    for (int i = 1; i < argc; i++)
        put(file, argv[i]);
    for (wchar_t *entry = GetEnvironmentStringsW(); *entry != L'\0'; entry += wcslen(entry) + 1)
        if (*entry != L'=') /* the current folders of drives */
            put(file, entry);
    fclose(file);
    MoveFileW(draft, path);
}

int wmain(int argc, wchar_t **argv)
{
    const wchar_t *output = _wgetenv(L"FAKE_OUTPUT"), *code = _wgetenv(L"FAKE_EXIT");

    SetConsoleCtrlHandler(on_event, TRUE);
    report(argc, argv);
    if (output != NULL) {
        put(stdout, output);
        fflush(stdout);
    }
    if (_wgetenv(L"FAKE_HOLD") != NULL) {
        while (events == 0)
            Sleep(20);
        Sleep(200); /* were it told twice, the second would be counted now */
        return 100 * (int)events + (int)last_event;
    }
    return code == NULL ? 0 : (int)wcstoul(code, NULL, 0);
}
