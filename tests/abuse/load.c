/*
 * load - eats what there is, until it is stopped or has eaten too much.
 *
 * Each is run in an instance of its own: being killed for it is fine.
 */
#include "abuse.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MB (1u << 20)
#define TOO_MANY_PROCESSES 4000
#define TOO_MUCH_MEMORY_MB 2048
#define TOO_MUCH_DISK_MB 4096
#define TOO_MANY_INODES 1000000
#define TOO_MANY_FILES 70000

static char block[MB];

static void fork_bomb(void)
{
	int n = 0;

	while (n < TOO_MANY_PROCESSES) {
		pid_t pid = fork();

		if (pid == -1)
			break;
		if (pid == 0) {
			pause();
			_exit(0);
		}
		n++;
	}
	if (n >= TOO_MANY_PROCESSES)
		bad("%d processes", n);
	signal(SIGTERM, SIG_IGN);
	kill(-1, SIGKILL);
}

static void *sleeps(void *arg)
{
	pause();
	return arg;
}

static void threads(void)
{
	pthread_attr_t attr;
	pthread_t t;
	int n = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	while (n < TOO_MANY_PROCESSES &&
	       pthread_create(&t, &attr, sleeps, NULL) == 0)
		n++;
	if (n >= TOO_MANY_PROCESSES)
		bad("%d threads", n);
}

static void memory(void)
{
	for (size_t i = 0; i < TOO_MUCH_MEMORY_MB; i++) {
		char *p = mmap(NULL, MB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (p == MAP_FAILED)
			return;
		memset(p, 1, MB);
	}
	bad("%d MB", TOO_MUCH_MEMORY_MB);
}

static bool fill(int fd, size_t most_mb)
{
	for (size_t i = 0; i < most_mb; i++)
		if (write(fd, block, MB) != MB)
			return false;
	return true;
}

static void memfd(void)
{
	int fd = (int)memfd_create("x", MFD_CLOEXEC);

	if (fd == -1)
		broken("no memfd");
	if (fill(fd, TOO_MUCH_MEMORY_MB))
		bad("%d MB", TOO_MUCH_MEMORY_MB);
}

static void disk_fill(void)
{
	static const char *const places[] = {
	    "/tmp/fill", "/app/fill", "/dev/shm/fill", "/var/tmp/fill"};

	memset(block, 1, sizeof(block));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = open(places[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		if (fd == -1)
			continue;
		if (fill(fd, TOO_MUCH_DISK_MB))
			bad("%d MB in %s", TOO_MUCH_DISK_MB, places[i]);
		close(fd);
		unlink(places[i]);
	}
}

static void sparse_file(void)
{
	int fd = open("/tmp/sparse", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1)
		broken("not even /tmp is written");
	if (posix_fallocate(fd, 0, (off_t)100 << 30) == 0)
		bad("allocates 100 GB");
	close(fd);
	unlink("/tmp/sparse");
}

static void inodes(void)
{
	static const char *const places[] = {
	    "/tmp", "/app", "/dev/shm", "/dev"};
	char path[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int n = 0;

		for (; n < TOO_MANY_INODES; n++) {
			snprintf(path, sizeof(path), "%s/i%d", places[i], n);
			if (mknod(path, S_IFREG | 0600, 0) == -1)
				break;
		}
		if (n >= TOO_MANY_INODES)
			bad("%d files in %s", n, places[i]);
		while (n-- > 0) {
			snprintf(path, sizeof(path), "%s/i%d", places[i], n);
			unlink(path);
		}
	}
}

static void open_files(void)
{
	int n = 0;

	while (n < TOO_MANY_FILES && open("/dev/null", O_RDONLY) != -1)
		n++;
	if (n >= TOO_MANY_FILES)
		bad("%d open files", n);
}

/* Buffers that the kernel holds for it, charged to it or limited. */
static void pipe_buffers(void)
{
	size_t bytes = 0;
	int p[2];

	while (bytes < (size_t)TOO_MUCH_MEMORY_MB * MB &&
	       pipe2(p, O_NONBLOCK) == 0) {
		ssize_t n;

		(void)fcntl(p[1], F_SETPIPE_SZ, MB);
		while ((n = write(p[1], block, 65536)) > 0)
			bytes += (size_t)n;
	}
	if (bytes >= (size_t)TOO_MUCH_MEMORY_MB * MB)
		bad("%zu bytes in pipes", bytes);
}

static void socket_buffers(void)
{
	int s[2], size = MB;
	size_t bytes = 0;

	while (bytes < (size_t)TOO_MUCH_MEMORY_MB * MB &&
	       socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0) {
		ssize_t n;

		(void)setsockopt(
		    s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		while ((n = write(s[0], block, 65536)) > 0)
			bytes += (size_t)n;
	}
	if (bytes >= (size_t)TOO_MUCH_MEMORY_MB * MB)
		bad("%zu bytes in sockets", bytes);
}

static void kernel_objects(void)
{
	struct itimerspec never = {.it_value = {1u << 20, 0}};
	int n = 0, fd;

	while (n < TOO_MANY_FILES &&
	       (fd = timerfd_create(CLOCK_MONOTONIC, 0)) != -1) {
		(void)timerfd_settime(fd, 0, &never, NULL);
		n++;
	}
	if (n >= TOO_MANY_FILES)
		bad("%d timers", n);
	n = 0;
	while (n < TOO_MANY_FILES && shmget(IPC_PRIVATE, 4096, 0600) != -1)
		n++;
	if (n >= TOO_MANY_FILES)
		bad("%d shared segments", n);
	n = 0;
	while (n < TOO_MANY_FILES && msgget(IPC_PRIVATE, 0600) != -1)
		n++;
	if (n >= TOO_MANY_FILES)
		bad("%d message queues", n);
}

static void shared_memory(void)
{
	for (size_t mb = 0; mb < TOO_MUCH_MEMORY_MB; mb += 16) {
		int id = shmget(IPC_PRIVATE, 16 * MB, 0600);
		char *p = id == -1 ? (void *)-1 : shmat(id, NULL, 0);

		if (p == (void *)-1)
			return;
		memset(p, 1, 16 * MB);
		(void)shmdt(p);
	}
	bad("%d MB of shared segments", TOO_MUCH_MEMORY_MB);
}

/* Ends by itself: whoever watches sees how others fared meanwhile. */
static void burn(void)
{
	struct timespec start, now;

	for (int i = 0; i < 16; i++)
		if (fork() == 0)
			for (;;)
				;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec - start.tv_sec < 5);
	kill(-1, SIGKILL);
}

static void log_flood(void)
{
	memset(block, 'x', sizeof(block));
	for (size_t i = 99; i < sizeof(block); i += 100)
		block[i] = '\n';
	for (int i = 0; i < 1024; i++)
		if (write(1, block, sizeof(block)) <= 0)
			break;
}

/* PID 1 has to take them all. */
static void orphans(void)
{
	for (int i = 0; i < 10000; i++) {
		pid_t pid = fork();

		if (pid == -1) {
			i--;
			(void)sched_yield();
			continue;
		}
		if (pid == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

const struct check load_checks[] = {
    {"load", "load-fork-bomb", fork_bomb},
    {"load", "load-threads", threads},
    {"load", "load-memory", memory},
    {"load", "load-memfd", memfd},
    {"load", "load-shared-memory", shared_memory},
    {"load", "load-disk-fill", disk_fill},
    {"load", "load-sparse-file", sparse_file},
    {"load", "load-inodes", inodes},
    {"load", "load-open-files", open_files},
    {"load", "load-pipe-buffers", pipe_buffers},
    {"load", "load-socket-buffers", socket_buffers},
    {"load", "load-kernel-objects", kernel_objects},
    {"load", "load-cpu", burn},
    {"load", "load-log-flood", log_flood},
    {"load", "load-orphans", orphans},
    {NULL, NULL, NULL},
};
