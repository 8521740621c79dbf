#!/bin/bash
# One would guess: a program that is compiled with -fvisibility=hidden and defines malloc(), free() and their kin either replaces
# all of them for its libraries, or none.
#
# What happens: in C all are hidden, and none replaces. In C++ those that g++ knows as built-in functions (malloc, calloc, realloc,
# free, aligned_alloc, posix_memalign) are exported all the same; memalign and malloc_usable_size are hidden. A library then gets
# its blocks from the program's malloc, and asks the C library's malloc_usable_size about them, which reads the word in front of
# a block that it never saw. With -fno-builtin all are hidden in C++, too.
#
# Who meets it: programs with a heap of their own. It works with every library that does not ask for the size of its blocks; ours
# crashed with a newer version of V8, which does. #pragma GCC visibility push(default) around all of them mends it.
#
# Documented: gcc's manual says at -fvisibility that all that is not marked has the given visibility, and nothing of built-in
# functions; glibc's chapter "Replacing malloc" lists the functions and says nothing of visibility.
# Seen with gcc and g++ 12.2, GNU ld 2.40 and glibc 2.36 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cat > program.c <<'C'
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void *__libc_malloc(size_t);
void __libc_free(void *);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void *malloc(size_t bytes) { return __libc_malloc(bytes); }
void free(void *block) { __libc_free(block); }
void *calloc(size_t count, size_t bytes) { return __libc_calloc(count, bytes); }
void *realloc(void *block, size_t bytes) { return __libc_realloc(block, bytes); }
void *memalign(size_t alignment, size_t bytes) { return __libc_memalign(alignment, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) { return __libc_memalign(alignment, bytes); }
int posix_memalign(void **block, size_t alignment, size_t bytes) { return !(*block = __libc_memalign(alignment, bytes)); }
size_t malloc_usable_size(void *block) { return block ? 1 : 0; }
#ifdef __cplusplus
}
#endif
int main(void) { return 0; }
C
gcc -fvisibility=hidden -o c program.c
g++ -fvisibility=hidden -o c++ -x c++ program.c
g++ -fvisibility=hidden -fno-builtin -o c++-no-builtin -x c++ program.c
gcc --version | head -n 1
ld --version | head -n 1
getconf GNU_LIBC_VERSION
output=$(for program in c c++ c++-no-builtin; do
  echo "$program:" "$(nm -D --defined-only $program | awk '{print $3}' | sort | tr '\n' ' ')"
done)
echo "$output"
[ "$output" = "c: 
c++: aligned_alloc calloc free malloc posix_memalign realloc 
c++-no-builtin: " ] || { echo "this has changed" >&2; exit 1; }
