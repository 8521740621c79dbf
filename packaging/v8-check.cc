// SPDX-License-Identifier: Apache-2.0
// Run by the build: are the V8 headers those of the V8 library? If not, everything compiles and
// runs silently wrong.
#include <cstdio>
#include <cstring>
#include <string>
#include <v8.h>

int main() {
  const std::string headers =
      std::to_string(V8_MAJOR_VERSION) + "." + std::to_string(V8_MINOR_VERSION) + "." +
      std::to_string(V8_BUILD_NUMBER) + "." + std::to_string(V8_PATCH_LEVEL);
  const char *library = v8::V8::GetVersion();
  if (std::strncmp(library, headers.c_str(), headers.size()) == 0)
    return 0;
  std::fprintf(stderr,
               "The V8 headers are of version %s, the library is %s. Install libnode-dev and "
               "libnode of one version, or remove "
               "build/deps and run make deps.\n",
               headers.c_str(), library);
  return 1;
}
