// SPDX-License-Identifier: Apache-2.0
// Any bytes as a stored script's file, and any record in one whose checksum is right: it is read as
// what was written, or set aside, and nothing beside the store is touched.
#include "daemon/master/scripts/script_store.h"
#include "ipc/files.h"
#include "ipc/hex.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"
#include "tests/fuzz/kernel.h"
#include "tests/harness/scratch_folder.h"

#include <fcntl.h>
#include <filesystem>
#include <openssl/evp.h>
#include <unistd.h>

using namespace lethe;
using namespace lethe::fuzz;
namespace fs = std::filesystem;

namespace {

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  check(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char *>(digest.data()),
                   nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

std::string in_file(std::string_view record) {
  Buffer file;
  Packer packer(file);
  packer.pack_array(3);
  pack_string(packer, "lethe script 1");
  for (const std::string &part : {std::string(record), sha256(record)}) {
    packer.pack_bin(static_cast<uint32_t>(part.size()));
    file.append(part);
  }
  return std::string(file.view());
}

// Of the name that the record says, so that it is no other's.
std::string path_for(std::string_view record) {
  Reader reader(record);
  reader.array();
  const auto pool = reader.string(), name = reader.string();
  return to_hex(sha256(std::string(pool.value_or("")) + '\0' + std::string(name.value_or(""))));
}

// As short as it can be: an input is a few files that are written, read and removed.
void write(const std::string &path, std::string_view content) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  check(::write(file.get(), content.data(), content.size()) ==
        static_cast<ssize_t>(content.size()));
}

// Beside the store, where no name leads.
struct Place {
  test::ScratchFolder folder{fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  const std::string state = folder.path() / "state", names = state + "/scripts/names/",
                    objects = state + "/scripts/objects/", damaged = state + "/scripts/damaged/";
  const std::string beside[2] = {folder.path() / "beside", state + "/beside"};
  Place() {
    for (const std::string &part : {names, objects, damaged})
      fs::create_directories(part);
    for (const std::string &path : beside)
      write(path, "");
  }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Place place;
  Bytes input(data, size);
  const uint8_t kind = input.byte() % 4;
  std::string record, source, file;
  if (kind == 0) { // a file of anything
    file = input.rest();
  } else if (kind == 1) { // a record of anything
    source = input.text();
    record = input.rest();
    file = in_file(record);
  } else { // a whole one, with any options; its hash may be any text
    source = input.text();
    const std::string name = input.text(), hash = kind == 2 ? to_hex(sha256(source)) : input.text();
    Buffer packed;
    Packer packer(packed);
    packer.pack_array(5);
    pack_string(packer, "default");
    pack_string(packer, name);
    packer.pack_int64(1);
    const std::string options = input.rest();
    packed.append(is_one_value(options, 64) ? options : std::string(packed_nil));
    pack_string(packer, hash);
    record = packed.view();
    file = in_file(record);
  }
  const std::string name = path_for(record), object = to_hex(sha256(source));
  write(place.names + name, file);
  write(place.objects + object, source);

  static PlayedKernel kernel;
  static const PlayedClock clock;
  static ProcessBooks books(kernel);
  static EventLoop loop(clock);
  static ChildReaper reaper(
      loop, books, [](pid_t, int) {}, [](pid_t, std::string_view) {});
  {
    ScriptStore store(loop, reaper);
    check(static_cast<bool>(store.open(place.state)));
    std::vector<std::string> damaged;
    const auto scripts = store.load(damaged);
    check(scripts && scripts->size() + damaged.size() == 1);
    if (!scripts->empty())
      check((*scripts)[0]->source == source && in_file(record) == file);
  }
  for (const std::string &path : place.beside)
    check(::access(path.c_str(), F_OK) == 0);
  // All that a store leaves of them.
  for (const std::string &path :
       {place.names + name, place.objects + object, place.damaged + name, place.damaged + object})
    ::unlink(path.c_str());
  return 0;
}
