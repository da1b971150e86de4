// Preloaded into a process: calls of the system fail with the errors that the file REFUSALS says, at any moment. It holds
// a number for each call, in the order below; 0 lets the call through.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET, BIND, CONNECT, EPOLL_CREATE, EVENTFD, THREAD, CALLS };

static volatile int32_t *refusals;

__attribute__((constructor)) static void map(void) {
  int file = open(getenv("REFUSALS"), O_RDONLY);
  void *mapped = mmap(NULL, CALLS * sizeof *refusals, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) abort();
  refusals = mapped;
}

static int refused(int call) { return refusals ? refusals[call] : 0; }

#define REFUSE(call)              \
  do {                            \
    if (refused(call)) {          \
      errno = refused(call);      \
      return -1;                  \
    }                             \
  } while (0)
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int socket(int domain, int type, int protocol) {
  REFUSE(SOCKET);
  return NEXT(socket)(domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  REFUSE(BIND);
  return NEXT(bind)(fd, address, length);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  REFUSE(CONNECT);
  return NEXT(connect)(fd, address, length);
}

int epoll_create1(int flags) {
  REFUSE(EPOLL_CREATE);
  return NEXT(epoll_create1)(flags);
}

int eventfd(unsigned int count, int flags) {
  REFUSE(EVENTFD);
  return NEXT(eventfd)(count, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  if (refused(THREAD)) return refused(THREAD);
  return NEXT(pthread_create)(thread, attributes, run, argument);
}
