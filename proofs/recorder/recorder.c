/* Records what a process asks of the files under one folder: an LD_PRELOAD library for the power-cut proof.
 *
 * Environment: KEYREEVE_PROOF_ROOT, the folder (absolute, no symbolic links); KEYREEVE_PROOF_LOG, the log, appended.
 *
 * One record an event, little-endian, padded by nothing:
 *   u64 CLOCK_MONOTONIC ns | u32 kind | u32 mode | u64 inode | i64 number | u32 bytes of name | u32 bytes of data |
 *   name | data
 *
 * All events are recorded under one lock, so that their order is the order of the log. Writes are recorded before
 * they are made (a kill in between leaves at most the last record unmade); a sync is recorded when it begins and when
 * it has succeeded. Files named *-shm are left out: they are shared memory, which SQLite builds anew after a crash.
 * Sockets are left out too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { CREATE = 1, MKDIR, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, CHMOD, STRANGE, LINK };

#define FDS_MAX 65536
static unsigned char followed[FDS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char root[PATH_MAX];
static size_t root_len;
static int log_fd = -1;
static int64_t syncs;

#define REAL(result, name, ...) static result (*real_##name)(__VA_ARGS__)
REAL(int, open, const char *, int, ...);
REAL(int, open64, const char *, int, ...);
REAL(int, openat, int, const char *, int, ...);
REAL(int, openat64, int, const char *, int, ...);
REAL(int, close, int);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
REAL(ssize_t, writev, int, const struct iovec *, int);
REAL(int, ftruncate, int, off_t);
REAL(int, ftruncate64, int, off64_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, rename, const char *, const char *);
REAL(int, link, const char *, const char *);
REAL(int, linkat, int, const char *, int, const char *, int);
REAL(int, unlink, const char *);
REAL(int, rmdir, const char *);
REAL(int, mkdir, const char *, mode_t);
REAL(int, fchmod, int, mode_t);
REAL(int, chmod, const char *, mode_t);

static void prepare(void) {
#define FIND(name) real_##name = (__typeof__(real_##name))dlsym(RTLD_NEXT, #name)
    FIND(open); FIND(open64); FIND(openat); FIND(openat64); FIND(close); FIND(write); FIND(pwrite); FIND(pwrite64);
    FIND(writev); FIND(ftruncate); FIND(ftruncate64); FIND(fsync); FIND(fdatasync); FIND(rename); FIND(unlink);
    FIND(link); FIND(linkat);
    FIND(rmdir); FIND(mkdir); FIND(fchmod); FIND(chmod);
    const char *folder = getenv("KEYREEVE_PROOF_ROOT"), *log = getenv("KEYREEVE_PROOF_LOG");
    if (!folder || !log) return;
    snprintf(root, sizeof root, "%s", folder);
    root_len = strlen(root);
    log_fd = real_open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void start(void) { pthread_once(&once, prepare); }

/* The name within the folder ("" for the folder itself), or NULL where the path lies elsewhere. */
static const char *name_of(const char *path) {
    if (log_fd < 0 || !path || strncmp(path, root, root_len)) return NULL;
    const char *rest = path + root_len;
    if (*rest == 0) return rest;
    if (*rest != '/') return NULL;
    size_t len = strlen(rest);
    if (len > 4 && !strcmp(rest + len - 4, "-shm")) return NULL;
    while (*rest == '/') rest++;
    return rest;
}

/* With the lock held. A record that cannot be written whole makes the recording worthless: the process ends. */
static void record(uint32_t kind, uint32_t mode, uint64_t inode, int64_t number, const char *name, const void *data,
                   size_t data_len) {
    int saved = errno;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    size_t name_len = name ? strlen(name) : 0, len = 40 + name_len + data_len;
    unsigned char small[16384], *bytes = len <= sizeof small ? small : malloc(len);
    if (!bytes) _exit(86);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    uint32_t lens[2] = { (uint32_t)name_len, (uint32_t)data_len };
    memcpy(bytes, &ns, 8);
    memcpy(bytes + 8, &kind, 4);
    memcpy(bytes + 12, &mode, 4);
    memcpy(bytes + 16, &inode, 8);
    memcpy(bytes + 24, &number, 8);
    memcpy(bytes + 32, lens, 8);
    if (name_len) memcpy(bytes + 40, name, name_len);
    if (data_len) memcpy(bytes + 40 + name_len, data, data_len);
    if (real_write(log_fd, bytes, len) != (ssize_t)len) _exit(87);
    if (bytes != small) free(bytes);
    errno = saved;
}

/* The inode behind a descriptor that is followed; 0 where it is not. */
static uint64_t inode_of(int fd) {
    if (log_fd < 0 || fd < 0 || fd >= FDS_MAX || !followed[fd]) return 0;
    struct stat status;
    if (fstat(fd, &status) || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) return 0;
    return status.st_ino;
}

static int opened(int fd, const char *name, int flags, int existed) {
    if (fd < 0 || fd >= FDS_MAX) return fd;
    followed[fd] = name != NULL;
    struct stat status;
    if (!name || fstat(fd, &status)) return fd;
    if ((flags & O_CREAT) && !existed) record(CREATE, status.st_mode & 07777, status.st_ino, 0, name, NULL, 0);
    else if (flags & O_TRUNC) record(TRUNCATE, 0, status.st_ino, 0, name, NULL, 0);
    return fd;
}

#define OPEN(call, path)                                                                                              \
    start();                                                                                                          \
    mode_t mode = 0;                                                                                                  \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                              \
        va_list rest;                                                                                                 \
        va_start(rest, flags);                                                                                        \
        mode = va_arg(rest, mode_t);                                                                                  \
        va_end(rest);                                                                                                 \
    }                                                                                                                 \
    const char *name = name_of(path);                                                                                 \
    pthread_mutex_lock(&lock);                                                                                        \
    struct stat before;                                                                                               \
    int existed = name ? !lstat(path, &before) : 0;                                                                   \
    int fd = opened(call, name, flags, existed);                                                                      \
    pthread_mutex_unlock(&lock);                                                                                      \
    return fd

int open(const char *path, int flags, ...) { OPEN(real_open(path, flags, mode), path); }
int open64(const char *path, int flags, ...) { OPEN(real_open64(path, flags, mode), path); }
int openat(int at, const char *path, int flags, ...) { OPEN(real_openat(at, path, flags, mode), path); }
int openat64(int at, const char *path, int flags, ...) { OPEN(real_openat64(at, path, flags, mode), path); }

int close(int fd) {
    start();
    if (fd >= 0 && fd < FDS_MAX) followed[fd] = 0;
    return real_close(fd);
}

/* Makes a call under the lock, after its record. */
#define UNDER_LOCK(result, entry, call)                                                                               \
    pthread_mutex_lock(&lock);                                                                                        \
    entry;                                                                                                            \
    result outcome = call;                                                                                            \
    pthread_mutex_unlock(&lock);                                                                                      \
    return outcome

ssize_t write(int fd, const void *data, size_t len) {
    start();
    uint64_t inode = inode_of(fd);
    if (!inode) return real_write(fd, data, len);
    struct stat status;
    int end = fcntl(fd, F_GETFL) & O_APPEND;
    int64_t offset = end && !fstat(fd, &status) ? status.st_size : lseek(fd, 0, SEEK_CUR);
    UNDER_LOCK(ssize_t, record(WRITE, 0, inode, offset, NULL, data, len), real_write(fd, data, len));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    start();
    uint64_t inode = inode_of(fd);
    if (!inode) return real_writev(fd, parts, count);
    UNDER_LOCK(ssize_t, record(STRANGE, 0, inode, 0, "writev", NULL, 0), real_writev(fd, parts, count));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
    start();
    uint64_t inode = inode_of(fd);
    if (!inode) return real_pwrite(fd, data, len, offset);
    UNDER_LOCK(ssize_t, record(WRITE, 0, inode, offset, NULL, data, len), real_pwrite(fd, data, len, offset));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset) {
    start();
    uint64_t inode = inode_of(fd);
    if (!inode) return real_pwrite64(fd, data, len, offset);
    UNDER_LOCK(ssize_t, record(WRITE, 0, inode, offset, NULL, data, len), real_pwrite64(fd, data, len, offset));
}

int ftruncate(int fd, off_t len) {
    start();
    uint64_t inode = inode_of(fd);
    if (!inode) return real_ftruncate(fd, len);
    UNDER_LOCK(int, record(TRUNCATE, 0, inode, len, NULL, NULL, 0), real_ftruncate(fd, len));
}

int ftruncate64(int fd, off64_t len) {
    start();
    uint64_t inode = inode_of(fd);
    if (!inode) return real_ftruncate64(fd, len);
    UNDER_LOCK(int, record(TRUNCATE, 0, inode, len, NULL, NULL, 0), real_ftruncate64(fd, len));
}

/* Not under the lock: other threads write while a sync runs, and their writes are not covered by it. */
static int synced(int (*sync)(int), int fd) {
    uint64_t inode = inode_of(fd);
    if (!inode) return sync(fd);
    pthread_mutex_lock(&lock);
    int64_t number = ++syncs;
    record(SYNC_BEGIN, 0, inode, number, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    int outcome = sync(fd);
    if (!outcome) {
        pthread_mutex_lock(&lock);
        record(SYNC_END, 0, inode, number, NULL, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return outcome;
}

int fsync(int fd) {
    start();
    return synced(real_fsync, fd);
}

int fdatasync(int fd) {
    start();
    return synced(real_fdatasync, fd);
}

int rename(const char *from, const char *to) {
    start();
    const char *source = name_of(from), *target = name_of(to);
    struct stat status;
    if (!source || !target || lstat(from, &status) || S_ISSOCK(status.st_mode)) return real_rename(from, to);
    UNDER_LOCK(int, record(RENAME, 0, 0, 0, source, target, strlen(target)), real_rename(from, to));
}

#define LINKED(call)                                                                                                  \
    start();                                                                                                          \
    const char *source = name_of(from), *target = name_of(to);                                                        \
    if (!source || !target) return call;                                                                              \
    pthread_mutex_lock(&lock);                                                                                        \
    int outcome = call;                                                                                               \
    if (!outcome) record(LINK, 0, 0, 0, source, target, strlen(target));                                              \
    pthread_mutex_unlock(&lock);                                                                                      \
    return outcome

int link(const char *from, const char *to) { LINKED(real_link(from, to)); }
int linkat(int at, const char *from, int into, const char *to, int flags) {
    LINKED(real_linkat(at, from, into, to, flags));
}

static int removed(int (*call)(const char *), const char *path) {
    const char *name = name_of(path);
    struct stat status;
    if (!name || lstat(path, &status) || S_ISSOCK(status.st_mode)) return call(path);
    UNDER_LOCK(int, record(UNLINK, 0, status.st_ino, 0, name, NULL, 0), call(path));
}

int unlink(const char *path) {
    start();
    return removed(real_unlink, path);
}

int rmdir(const char *path) {
    start();
    return removed(real_rmdir, path);
}

int mkdir(const char *path, mode_t mode) {
    start();
    const char *name = name_of(path);
    if (!name) return real_mkdir(path, mode);
    pthread_mutex_lock(&lock);
    struct stat status;
    int outcome = real_mkdir(path, mode);
    if (!outcome && !stat(path, &status)) record(MKDIR, status.st_mode & 07777, status.st_ino, 0, name, NULL, 0);
    pthread_mutex_unlock(&lock);
    return outcome;
}

int fchmod(int fd, mode_t mode) {
    start();
    uint64_t inode = inode_of(fd);
    if (!inode) return real_fchmod(fd, mode);
    UNDER_LOCK(int, record(CHMOD, mode, inode, 0, NULL, NULL, 0), real_fchmod(fd, mode));
}

int chmod(const char *path, mode_t mode) {
    start();
    const char *name = name_of(path);
    struct stat status;
    if (!name || stat(path, &status) || S_ISSOCK(status.st_mode)) return real_chmod(path, mode);
    UNDER_LOCK(int, record(CHMOD, mode, status.st_ino, 0, NULL, NULL, 0), real_chmod(path, mode));
}
