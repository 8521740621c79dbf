// SPDX-License-Identifier: Apache-2.0
// Functions of the C library that a program of ours has in their place.
#pragma once

#include <dlfcn.h>

namespace lethe::test {

// Do libraries that call a function of this name get the program's own?
inline bool is_own_function(const char *name) {
  static const int here = 0; // in the program
  Dl_info own, of_function;
  void *function = dlsym(RTLD_DEFAULT, name);
  return function && dladdr(&here, &own) != 0 && dladdr(function, &of_function) != 0 &&
         of_function.dli_fbase == own.dli_fbase;
}

} // namespace lethe::test
