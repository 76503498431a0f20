// Refuses one request of the heap, for a program that links its C library at run time: REFUSE_NTH
// is the number of the request, and the file REFUSE_COUNT gets how many there were.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_long requests;
static long refused = -1;

static int refuse(void) {
  return atomic_fetch_add(&requests, 1) + 1 == refused && (errno = ENOMEM);
}

__attribute__((constructor)) static void start(void) {
  const char *number = getenv("REFUSE_NTH");
  atomic_store(&requests, 0);
  refused = number ? strtol(number, NULL, 10) : -1;
}

__attribute__((destructor)) static void end(void) {
  const char *file = getenv("REFUSE_COUNT");
  if (!file) return;
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&requests));
  int descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (descriptor >= 0 && write(descriptor, text, length) == length) close(descriptor);
}

void *malloc(size_t size) { return refuse() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return refuse() ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return refuse() ? NULL : __libc_realloc(block, size); }
void *aligned_alloc(size_t to, size_t size) { return refuse() ? NULL : __libc_memalign(to, size); }

int posix_memalign(void **block, size_t to, size_t size) {
  if (refuse()) return ENOMEM;
  return (*block = __libc_memalign(to, size)) ? 0 : ENOMEM;
}
