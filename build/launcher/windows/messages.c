/* Words for people, and paths. */
#include "launcher.h"

#include <stdarg.h>
#include <stdio.h>

#define EXIT_LAUNCHER 125

const char *failure = "";

const char *utf8(const wchar_t *text, char *buffer, int size)
{
    if (WideCharToMultiByte(CP_UTF8, 0, text, -1, buffer, size, NULL, NULL) == 0)
        buffer[0] = '\0';
    return buffer;
}

void widen(const char id[ID_LENGTH + 1], wchar_t wide[ID_LENGTH + 1])
{
    for (int i = 0; i <= ID_LENGTH; i++)
        wide[i] = (unsigned char)id[i];
}

int fail(const char *why)
{
    static char words[512];
    DWORD error = GetLastError(), length;
    wchar_t text[256];

    failure = why;
    if (why != NULL)
        return -1;
    length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK,
                            NULL, error, 0, text, sizeof text / sizeof *text, NULL);
    while (length > 0 && (text[length - 1] == L' ' || text[length - 1] == L'.'))
        text[--length] = L'\0';
    if (length == 0)
        snprintf(words, sizeof words, "Windows error %lu", error);
    else
        utf8(text, words, sizeof words);
    failure = words;
    return -1;
}

void die(const char *format, ...)
{
    static char text[16384];
    static wchar_t wide[sizeof text];
    HANDLE output = GetStdHandle(STD_ERROR_HANDLE);
    va_list arguments;
    DWORD mode, written;
    size_t length;

    va_start(arguments, format);
    length = (size_t)snprintf(text, sizeof text, "cco: ");
    vsnprintf(text + length, sizeof text - length - 1, format, arguments);
    va_end(arguments);
    text[sizeof text - 2] = '\0';
    length = strlen(text);
    text[length++] = '\n';
    text[length] = '\0';
    if (GetConsoleMode(output, &mode))
        WriteConsoleW(output, wide, (DWORD)MultiByteToWideChar(CP_UTF8, 0, text, (int)length, wide, sizeof text),
                      &written, NULL);
    else
        WriteFile(output, text, (DWORD)length, &written, NULL);
    ExitProcess(EXIT_LAUNCHER);
}

/* Put `folder\name` into `path`; false, with `failure` set, if it does not fit. */
bool join(wchar_t path[PATH_CHARS], const wchar_t *folder, const wchar_t *name)
{
    size_t length = wcslen(folder), added = wcslen(name);

    if (length + 1 + added + 1 > PATH_CHARS) {
        fail("the path is too long");
        return false;
    }
    memmove(path, folder, length * sizeof *path);
    if (length > 0 && path[length - 1] != L'\\')
        path[length++] = L'\\';
    memcpy(path + length, name, (added + 1) * sizeof *path);
    return true;
}
