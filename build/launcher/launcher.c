/* cco's launcher: one file that unpacks itself once per user, then becomes the program inside.
 *
 * The single file is, from its first byte to its last:
 *
 *     this executable
 *     payload    Zstandard frame of a ustar archive: the program's folder, with the program itself as `cco`
 *     trailer    56 bytes, the last of the file (on macOS a code signature may follow):
 *                   0   8  magic "CCOPACK1"
 *                   8   8  offset of the payload in the file, little endian
 *                  16   8  length of the payload in bytes, little endian
 *                  24  32  content id: the first 16 bytes of the payload's SHA-256, in lower-case hex
 *
 * The payload is unpacked to <store>/<content id>/, the store being `cco` in the first cache folder that can
 * hold it (see list_places), and <store>/<content id>/cco is exec'd in place: same process, same argv, and
 * in the environment CCO_EXECUTABLE, the absolute path of the single file, and CCO_COPY_LOCK, the number of
 * the descriptor that keeps the copy from being removed while it is open (the program closes it on exec),
 * and CCO_HELD_SIGINT, if an interrupt waits until the program lets it in.
 * build/freezing/payload.py writes the file; trust.c says which folders will do, copy.c keeps the store and
 * removal.c tidies it; unpack.c reads the payload and files.c writes what it holds. windows/ has the counterparts
 * of all but unpack.c.
 *
 * A start looks for a good copy in every place before it unpacks into any, so that a full or read-only
 * first choice costs nothing once a later one holds a copy. Failures of the launcher itself exit with 125.
 */
#ifdef __linux__
#define _GNU_SOURCE
#include <sys/auxv.h>
#endif
#ifdef __APPLE__
#include <mach-o/dyld.h>
#include <mach-o/ldsyms.h>
#include <mach-o/loader.h>
#endif
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_LAUNCHER 125
#define MAX_PLACES 8
#define SPARE_DESCRIPTORS 24

static struct place places[MAX_PLACES];
static int place_count;
static char self[PATH_MAX];
static char tried[8192];

static _Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("cco: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_LAUNCHER);
}

/* Open this file and put its absolute path into `self`. */
static int open_self(void)
{
    int fd;
#ifdef __APPLE__
    char raw[PATH_MAX];
    uint32_t size = sizeof raw;

    if (_NSGetExecutablePath(raw, &size) != 0 || realpath(raw, self) == NULL)
        die("cannot find its own file: %s", strerror(errno));
    fd = open(self, O_RDONLY | O_CLOEXEC);
#else
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length > 0) {
        self[length] = '\0';
        fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    } else { /* no /proc here, as in a bare chroot: the kernel still says what was exec'd */
        const char *path = (const char *)getauxval(AT_EXECFN);

        if (path == NULL || realpath(path, self) == NULL)
            die("cannot find its own file: mount /proc, or run it by its full path");
        fd = open(self, O_RDONLY | O_CLOEXEC);
    }
#endif
    if (fd < 0)
        die("cannot read its own file %s: %s; make it readable (chmod +r)", self, strerror(errno));
    return fd;
}

/* Whether the trailer is what ends here. */
static bool trailer_ends_at(off_t end, struct payload *payload)
{
    unsigned char trailer[TRAILER_LENGTH];

    return end >= TRAILER_LENGTH &&
           pread(payload->single_file, trailer, sizeof trailer, end - TRAILER_LENGTH) == TRAILER_LENGTH &&
           find_payload(trailer, end - TRAILER_LENGTH, payload);
}

#ifdef __APPLE__
/* Where codesign has begun its signature, which ends the file; 0 without one. build/macos/sign.py sees to it
 * that the trailer ends there. */
static off_t start_of_signature(void)
{
    const struct load_command *command = (const struct load_command *)(&_mh_execute_header + 1);

    for (uint32_t i = 0; i < _mh_execute_header.ncmds; i++) {
        if (command->cmd == LC_CODE_SIGNATURE)
            return ((const struct linkedit_data_command *)command)->dataoff;
        command = (const struct load_command *)((const char *)command + command->cmdsize);
    }
    return 0;
}
#endif

static void read_trailer(struct payload *payload)
{
    if (trailer_ends_at(lseek(payload->single_file, 0, SEEK_END), payload))
        return;
#ifdef __APPLE__
    if (trailer_ends_at(start_of_signature(), payload))
        return;
#endif
    die("%s is incomplete or was modified; download it again", self);
}

static void add_place(const char *base, const char *below, const char *leaf, bool create_base)
{
    struct place *place = &places[place_count];

    if (base == NULL || base[0] != '/' || place_count == MAX_PLACES)
        return; /* a relative path means another folder at every start */
    if (snprintf(place->base, sizeof place->base, "%s%s", base, below) >= (int)sizeof place->base)
        return;
    for (size_t end = strlen(place->base); end > 1 && place->base[end - 1] == '/'; end--)
        place->base[end - 1] = '\0';
    snprintf(place->leaf, sizeof place->leaf, "%s", leaf);
    place->create_base = create_base;
    for (int i = 0; i < place_count; i++)
        if (strcmp(places[i].base, place->base) == 0 && strcmp(places[i].leaf, place->leaf) == 0)
            return;
    place_count++;
}

/* The folders that may hold unpacked copies, best first. */
static void list_places(void)
{
#ifdef __APPLE__
    const char *cache = "/Library/Caches";
#else
    const char *cache = "/.cache";
#endif
    const char *home = getenv("HOME");
    char per_user[32], per_user_cache[32];
    unsigned long uid = (unsigned long)geteuid();
    struct stat status;

    snprintf(per_user, sizeof per_user, "cco-%lu", uid);
    snprintf(per_user_cache, sizeof per_user_cache, "cco-cache-%lu", uid);
    /* what sudo and su may leave is no place for ours; cco/folders.py decides the same */
    if (home == NULL || home[0] == '\0' || (stat(home, &status) == 0 && belongs_to_another(&status))) {
        const struct passwd *account = getpwuid(geteuid());

        home = account == NULL ? NULL : account->pw_dir;
    }
    add_place(getenv("XDG_CACHE_HOME"), "", "cco", true);
    add_place(home, cache, "cco", true);
    add_place(getenv("XDG_RUNTIME_DIR"), "", "cco", false);
    add_place("/var/tmp", "", per_user, false);
    add_place(getenv("TMPDIR"), "", per_user_cache, false);
    add_place("/tmp", "", per_user_cache, false);
}

/* Remember for the last message that this place could not be used, and why. */
static void note_failure(const struct place *place)
{
    size_t used = strlen(tried);

    snprintf(tried + used, sizeof tried - used, "%s%s/%s (%s)", used ? ", " : "", place->base, place->leaf, failure);
}

#ifdef __linux__
/* PyInstaller's program starts itself once more to have its libraries found. One that meets the environment that it
 * would have made goes on at once; if anything is different it does as ever. */
static void spare_second_start(const char *program)
{
    static char *before; /* as the user has it, also for the next place if this one lets nothing run */
    static bool known;
    char real[PATH_MAX], search[2 * PATH_MAX];
    const char *slash;

    if (!known && getenv("LD_LIBRARY_PATH") != NULL && (before = strdup(getenv("LD_LIBRARY_PATH"))) == NULL)
        return;
    known = true;
    if (access("/proc/self/exe", F_OK) != 0 || realpath(program, real) == NULL)
        return;
    slash = strrchr(real, '/');
    if (snprintf(search, sizeof search, "%.*s/_internal%s%s", (int)(slash - real), real, before ? ":" : "",
                 before ? before : "") >= (int)sizeof search)
        return;
    if (before != NULL && setenv("LD_LIBRARY_PATH_ORIG", before, 1) != 0)
        return;
    if (setenv("LD_LIBRARY_PATH", search, 1) != 0)
        return;
    setenv("_PYI_ARCHIVE_FILE", real, 1);
    setenv("_PYI_PARENT_PROCESS_LEVEL", "-1", 1);
}
#endif

/* Let Ctrl-C wait for the program: until its interpreter stands, it would answer with a traceback. The program
 * lets it in again (cco/__main__.py), unless whoever started us kept it out. Returns the signals held before. */
static sigset_t hold_interrupts(void)
{
    sigset_t interrupt, before;

    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, &before);
    if (sigismember(&before, SIGINT) || setenv("CCO_HELD_SIGINT", "1", 1) != 0) {
        unsetenv("CCO_HELD_SIGINT");
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    return before;
}

/* Become the program in this place's copy, which `copy` keeps locked. Returns only if the place does not let
 * programs run: -1, and `copy` is closed. */
static int become(const struct place *place, const char *id, int copy, char **argv)
{
    char program[PATH_MAX + 128], lock[16];
    sigset_t held_before;

    snprintf(program, sizeof program, "%s/%s/%s/" PROGRAM, place->base, place->leaf, id);
    /* A cco above us, or what it started, may have left these: they would make ours take itself for its child. */
    unsetenv("_PYI_ARCHIVE_FILE");
    unsetenv("_PYI_PARENT_PROCESS_LEVEL");
    snprintf(lock, sizeof lock, "%d", copy);
    fcntl(copy, F_SETFD, 0);
    if (setenv("CCO_EXECUTABLE", self, 1) != 0 || setenv("CCO_COPY_LOCK", lock, 1) != 0)
        die("cannot start: %s", strerror(errno));
#ifdef __linux__
    if (access("/proc/self/exe", F_OK) != 0)
        argv[0] = program; /* without /proc the program finds its folder by this name alone */
    spare_second_start(program);
#endif
    held_before = hold_interrupts();
    execv(program, argv);
    sigprocmask(SIG_SETMASK, &held_before, NULL); /* errno stays what execv said, as this cannot fail */
    if (errno != EACCES && errno != EPERM)
        die("cannot start %s: %s", program, strerror(errno));
    close(copy);
    return fail("programs may not run from there");
}

/* Remove older versions' copies from the places that were better, or the only ones, in their time. */
static void tidy_other_places(const struct place *used, const char *id)
{
    for (int i = 0; i < place_count; i++) {
        int store = &places[i] == used ? -1 : open_store(&places[i], false, NULL);

        if (store >= 0 && flock(store, LOCK_EX | LOCK_NB) == 0)
            remove_old_copies(store, id);
        if (store >= 0)
            close(store);
    }
}

/* Unpack into this place and become the program. Returns only on failure, with nothing left behind. */
static void unpack_and_become(struct place *place, const struct payload *payload, char **argv)
{
    bool created = false;
    int store = open_store(place, true, &created);
    int copy = store < 0 ? -1 : install_copy(store, payload);

    if (copy >= 0) {
        tidy_other_places(place, payload->id);
        become(place, payload->id, copy, argv);
        remove_entry(store, payload->id);
        fail("programs may not run from there");
    }
    note_failure(place);
    if (store >= 0)
        close(store);
    if (created) {
        char path[PATH_MAX + 40];

        snprintf(path, sizeof path, "%s/%s", place->base, place->leaf);
        rmdir(path); /* unless another process has begun to use it */
    }
    if (payload_damaged)
        die("%s is damaged (%s); download it again", self, failure);
}

/* Keep our descriptors out of the places of streams that the caller closed: the program would take a folder of
 * ours for its input. It finds them closed, as they were. */
static void occupy_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", O_RDWR | O_CLOEXEC); /* takes the lowest that is free: this one */
}

/* Begin no copy that could be neither finished nor removed again for want of descriptors. */
static void require_descriptors(int single_file)
{
    int spare[SPARE_DESCRIPTORS], count = 0;

    while (count < SPARE_DESCRIPTORS && (spare[count] = fcntl(single_file, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    if (count < SPARE_DESCRIPTORS)
        die("cannot unpack: %s; raise the limit (ulimit -n)", strerror(errno));
    while (count > 0)
        close(spare[--count]);
}

int main(int argc, char **argv)
{
    char *no_arguments[] = {(char *)PROGRAM, NULL};
    struct payload payload;

    occupy_streams();
    payload.single_file = open_self();
    read_trailer(&payload);
    list_places();
    if (argc == 0)
        argv = no_arguments;
    for (int i = 0; i < place_count; i++) {
        int store = open_store(&places[i], false, NULL);
        int copy = store < 0 ? -1 : take_copy(store, payload.id);

        if (copy >= 0) {
            remove_superseded(store, payload.id);
            become(&places[i], payload.id, copy, argv);
        }
        if (store >= 0)
            close(store);
    }
    require_descriptors(payload.single_file);
    for (int i = 0; i < place_count; i++)
        unpack_and_become(&places[i], &payload, argv);
    die("found no folder to unpack into; tried %s. Set XDG_CACHE_HOME to a folder of your own with 40 MB free, on a "
        "file system that lets programs run.", tried[0] ? tried : "none");
}
