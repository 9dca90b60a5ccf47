/* What unpack.c offers, and what it needs of the system: files.c on POSIX, windows/files.c on Windows. */
#ifndef CCO_UNPACK_H
#define CCO_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ID_LENGTH 32
#define TRAILER_LENGTH 56

#ifdef _WIN32
#include <wchar.h>
typedef void *file_ref;
typedef const wchar_t *folder_ref;
#else
typedef int file_ref;
typedef int folder_ref;
#endif

/* The packed program inside the single file: `length` bytes of a Zstandard frame at `offset`. */
struct payload {
    file_ref single_file;
    off_t offset;
    off_t length;
    char id[ID_LENGTH + 1];
};

/* The reason of the last failure, in words for a person. Every function that returns -1 has set it. */
extern const char *failure;

/* Set `failure` to `why`, or to the system's words for its last error if that is NULL. Always -1. */
int fail(const char *why);

/* unpack.c: read the trailer, which was found at this position; false if it is none, or not of this file. */
bool find_payload(const unsigned char trailer[TRAILER_LENGTH], off_t position, struct payload *payload);

/* unpack.c: write the payload's files below the empty folder `into`. On failure `payload_damaged` tells a
 * payload at fault, which no other folder will help, from a folder that cannot hold it. */
extern bool payload_damaged;
int unpack(const struct payload *payload, folder_ref into);

/* files.c: names are relative to `into` and separated by `/`. What is created is new. */
size_t read_payload(const struct payload *payload, void *buffer, size_t size, off_t position);
int create_file(folder_ref into, const char *name, file_ref *created);
int write_file(file_ref created, const void *data, size_t size);
int finish_file(file_ref created, bool executable, bool complete); /* keeps the reason of an incomplete one */
int create_folder(folder_ref into, const char *name);
int create_link(folder_ref into, const char *name, const char *target);

#endif
