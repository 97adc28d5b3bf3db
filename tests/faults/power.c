/* Preloaded into a server: logs what it writes to its database's files, and when that was on the disk.
 *
 * POWER_FILES is the end of the database's path, POWER_LOG the log. A record is the header below and `length` bytes: the
 * path for an opening, the data for a write. One lock around call and record: the log is the order of the calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FILES = 65536 };
enum operation { OPEN, WRITE, TRUNCATE, SYNC, UNLINK };

struct header {
    int64_t nanoseconds; /* CLOCK_MONOTONIC, after the call */
    int64_t offset;      /* of a write; the size for a truncation */
    int32_t operation, process, descriptor, length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char watched[MOST_FILES];
static int log_descriptor = -1;

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t put(int descriptor, const void *data, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(descriptor, data, length);
}

static void record(enum operation operation, int descriptor, int64_t offset, const void *data, size_t length) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct header header = {now.tv_sec * 1000000000LL + now.tv_nsec, offset, operation, getpid(), descriptor, length};
    if (put(log_descriptor, &header, sizeof header) != sizeof header) abort();
    if (length && put(log_descriptor, data, length) != (ssize_t)length) abort();
}

static int is_watched(int descriptor) {
    return descriptor >= 0 && descriptor < MOST_FILES && watched[descriptor];
}

static int is_ours(const char *path) {
    const char *name = getenv("POWER_FILES");
    const char *rest = name ? strstr(path, name) : NULL;
    if (!rest) return 0;
    rest += strlen(name);
    return !*rest || !strcmp(rest, "-wal") || !strcmp(rest, "-journal");
}

static int opened(int descriptor, const char *path, int flags) {
    if (descriptor < 0 || descriptor >= MOST_FILES) return descriptor;
    pthread_mutex_lock(&lock);
    watched[descriptor] = is_ours(path) && (flags & O_ACCMODE) != O_RDONLY;
    if (watched[descriptor]) {
        REAL(int, "open", const char *, int, ...);
        if (log_descriptor < 0) log_descriptor = real(getenv("POWER_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
        record(OPEN, descriptor, 0, path, strlen(path));
    }
    pthread_mutex_unlock(&lock);
    return descriptor;
}

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0; \
        va_end(more); \
        return opened(real(path, flags, mode), path, flags); \
    }
OPENS(open)
OPENS(open64)

#define CALL(result, name, parameters, arguments, types, operation, offset, data, size) \
    result name parameters { \
        REAL(result, #name, types); \
        if (!is_watched(descriptor)) return real arguments; \
        pthread_mutex_lock(&lock); \
        result done = real arguments; \
        if (done >= 0) record(operation, descriptor, offset, data, size); \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
#define COMMA ,
CALL(ssize_t, pwrite, (int descriptor, const void *data, size_t length, off_t at), (descriptor, data, length, at),
     int COMMA const void * COMMA size_t COMMA off_t, WRITE, at, data, done)
CALL(ssize_t, pwrite64, (int descriptor, const void *data, size_t length, off64_t at), (descriptor, data, length, at),
     int COMMA const void * COMMA size_t COMMA off64_t, WRITE, at, data, done)
CALL(int, ftruncate, (int descriptor, off_t size), (descriptor, size), int COMMA off_t, TRUNCATE, size, NULL, 0)
CALL(int, ftruncate64, (int descriptor, off64_t size), (descriptor, size), int COMMA off64_t, TRUNCATE, size, NULL, 0)
CALL(int, fsync, (int descriptor), (descriptor), int, SYNC, 0, NULL, 0)
CALL(int, fdatasync, (int descriptor), (descriptor), int, SYNC, 0, NULL, 0)

ssize_t write(int descriptor, const void *data, size_t length) {
    if (!is_watched(descriptor)) return put(descriptor, data, length);
    abort(); /* SQLite says where it writes: whoever does not is not understood. */
}

int close(int descriptor) {
    REAL(int, "close", int);
    if (descriptor >= 0 && descriptor < MOST_FILES) watched[descriptor] = 0;
    return real(descriptor);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int done = real(path);
    if (done == 0 && log_descriptor >= 0 && is_ours(path)) {
        pthread_mutex_lock(&lock);
        record(UNLINK, -1, 0, path, strlen(path));
        pthread_mutex_unlock(&lock);
    }
    return done;
}
