/* Unpack the payload: a Zstandard frame of a ustar archive with plain files, folders and symlinks only.
 *
 * Names are relative, without `.` or `..` components, at most 255 bytes long, folders before what is in them.
 * Symlinks point to within the archive. Anything else is refused: build/freezing/payload.py never writes it.
 * The same on every system; what differs is in files.c and windows/files.c.
 */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "unpack.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zstd.h>

#define BLOCK 512
#define CHUNK (128 * 1024)
#define MAX_NAME 258 /* prefix, slash, name, NUL, and one to spare */

struct header { /* POSIX.1-1988 ustar */
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], owner[32], group[32], device_major[8], device_minor[8], prefix[155], unused[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a ustar header is one block");

struct stream {
    const struct payload *payload;
    off_t consumed;
    ZSTD_DCtx *decoder;
    ZSTD_inBuffer in;
    bool ended; /* the frame, its checksum included */
    unsigned char input[CHUNK];
};

/* What build/release reads the version from. */
__attribute__((used)) static const char decoder_version[] = "zstd decoder " ZSTD_VERSION_STRING;

bool payload_damaged;

static uint64_t little_endian(const unsigned char *bytes)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

bool find_payload(const unsigned char trailer[TRAILER_LENGTH], off_t position, struct payload *payload)
{
    uint64_t offset = little_endian(trailer + 8), length = little_endian(trailer + 16), body = (uint64_t)position;

    if (memcmp(trailer, "CCOPACK1", 8) != 0 || offset > body || length != body - offset)
        return false;
    payload->offset = (off_t)offset;
    payload->length = (off_t)length;
    memcpy(payload->id, trailer + 24, ID_LENGTH);
    payload->id[ID_LENGTH] = '\0';
    return strspn(payload->id, "0123456789abcdef") == ID_LENGTH;
}

static int damaged(const char *why)
{
    payload_damaged = true;
    return fail(why);
}

/* Decompress some more, reading on where needed. -1 if that is not possible. */
static int decompress_more(struct stream *stream, ZSTD_outBuffer *out)
{
    size_t read_before, written_before = out->pos, left;

    if (stream->in.pos == stream->in.size) {
        off_t rest = stream->payload->length - stream->consumed;

        stream->in.size = read_payload(stream->payload, stream->input, rest < CHUNK ? (size_t)rest : CHUNK, stream->consumed);
        stream->in.pos = 0;
        stream->consumed += (off_t)stream->in.size;
    }
    read_before = stream->in.pos;
    left = ZSTD_decompressStream(stream->decoder, out, &stream->in);
    stream->ended = left == 0;
    if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
        return fail("out of memory");
    if (ZSTD_isError(left) || (left > 0 && stream->in.pos == read_before && out->pos == written_before))
        return damaged("its contents cannot be decompressed");
    return 0;
}

/* Decompress exactly `length` bytes into `buffer`. */
static int read_exactly(struct stream *stream, void *buffer, size_t length)
{
    ZSTD_outBuffer out = {buffer, length, 0};

    while (out.pos < length) {
        if (stream->ended)
            return damaged("its contents cannot be decompressed");
        if (decompress_more(stream, &out) != 0)
            return -1;
    }
    return 0;
}

/* The frame must end here, its checksum must match and nothing may follow. */
static int expect_end(struct stream *stream)
{
    unsigned char extra;
    ZSTD_outBuffer out = {&extra, 1, 0};

    while (!stream->ended && out.pos == 0)
        if (decompress_more(stream, &out) != 0)
            break;
    if (!stream->ended || out.pos != 0 || stream->in.pos != stream->in.size ||
        stream->consumed != stream->payload->length)
        return damaged("its contents do not match their checksum");
    return 0;
}

/* Parse an octal field. -1 unless it is digits up to a NUL, a space or the field's end. */
static long long octal(const char *field, size_t width)
{
    long long value = 0;
    size_t i = 0;

    for (; i < width && field[i] >= '0' && field[i] <= '7'; i++)
        value = value * 8 + (field[i] - '0');
    return i == 0 || (i < width && field[i] != '\0' && field[i] != ' ') ? -1 : value;
}

static bool checksum_matches(const struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    long long sum = 8 * ' '; /* the checksum field counts as spaces */

    for (size_t i = 0; i < BLOCK; i++)
        if (i < offsetof(struct header, checksum) || i >= offsetof(struct header, type))
            sum += bytes[i];
    return sum == octal(header->checksum, sizeof header->checksum);
}

/* Put the entry's name together, and count its components. -1 for a name that could lead out of the folder. */
static int entry_name(const struct header *header, char name[MAX_NAME])
{
    size_t prefix = strnlen(header->prefix, sizeof header->prefix), length = 0;
    int components = 0;

    if (prefix > 0) {
        memcpy(name, header->prefix, prefix);
        name[prefix] = '/';
        length = prefix + 1;
    }
    prefix = strnlen(header->name, sizeof header->name);
    memcpy(name + length, header->name, prefix);
    length += prefix;
    name[length] = '\0';
    if (length > 0 && header->type == '5' && name[length - 1] == '/')
        name[--length] = '\0';
    for (const char *part = name;; part++) {
        size_t size = strcspn(part, "/");

        if (size == 0 || (size <= 2 && strspn(part, ".") >= size) || strcspn(part, "\\:") < size)
            return damaged("it holds a file name that is not allowed");
        components++;
        part += size;
        if (*part == '\0')
            return components;
    }
}

/* Whether a symlink `depth` folders deep stays inside the archive: any `..` come first, and not too many. */
static bool link_stays_inside(const char *target, int depth)
{
    if (*target == '/' || *target == '\0')
        return false;
    for (; strncmp(target, "../", 3) == 0; target += 3)
        if (--depth < 0)
            return false;
    while (*target != '\0') {
        size_t size = strcspn(target, "/");

        if (size == 2 && memcmp(target, "..", 2) == 0)
            return false;
        target += size;
        target += strspn(target, "/");
    }
    return true;
}

static int unpack_file(struct stream *stream, folder_ref into, const char *name, long long size, bool executable)
{
    static unsigned char buffer[CHUNK];
    int result = 0, finished;
    file_ref created;

    if (create_file(into, name, &created) != 0)
        return -1;
    while (result == 0 && size > 0) {
        size_t length = size < CHUNK ? (size_t)size : CHUNK;
        size_t padded = (length + BLOCK - 1) / BLOCK * BLOCK; /* CHUNK is whole blocks: padding comes last */

        result = read_exactly(stream, buffer, padded);
        if (result == 0)
            result = write_file(created, buffer, length);
        size -= (long long)length;
    }
    finished = finish_file(created, executable, result == 0);
    return result == 0 ? finished : result;
}

static int unpack_entry(struct stream *stream, const struct header *header, folder_ref into)
{
    long long size = octal(header->size, sizeof header->size);
    long long mode = octal(header->mode, sizeof header->mode);
    char name[MAX_NAME], target[sizeof header->link + 1];
    int components;

    if (memcmp(header->magic, "ustar", 6) != 0 || !checksum_matches(header) || size < 0 || mode < 0)
        return damaged("its archive is malformed");
    components = entry_name(header, name);
    if (components < 0)
        return -1;
    switch (header->type) {
    case '0':
        return unpack_file(stream, into, name, size, (mode & 0100) != 0);
    case '5':
        return create_folder(into, name);
    case '2':
        memcpy(target, header->link, sizeof header->link);
        target[sizeof header->link] = '\0';
        if (!link_stays_inside(target, components - 1))
            return damaged("it holds a link that is not allowed");
        return create_link(into, name, target);
    default:
        return damaged("it holds something other than files, folders and links");
    }
}

int unpack(const struct payload *payload, folder_ref into)
{
    static struct stream stream;
    struct header header;
    int result;

    memset(&stream, 0, sizeof stream);
    stream.payload = payload;
    stream.in.src = stream.input;
    stream.decoder = ZSTD_createDCtx();
    if (stream.decoder == NULL)
        return fail("out of memory");
    while ((result = read_exactly(&stream, &header, BLOCK)) == 0 && header.name[0] != '\0')
        if ((result = unpack_entry(&stream, &header, into)) != 0)
            break;
    if (result == 0) /* the archive ends with two empty blocks */
        result = read_exactly(&stream, &header, BLOCK);
    if (result == 0)
        result = expect_end(&stream);
    ZSTD_freeDCtx(stream.decoder);
    return result;
}
