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

#include <filesystem>
#include <openssl/evp.h>

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

void write(const fs::path &path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

// Beside the store, where no name leads.
struct Place {
  test::ScratchFolder folder{fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  fs::path state = folder.path() / "state", scripts = state / "scripts";
  Place() {
    for (const char *part : {"names", "objects", "damaged"})
      fs::create_directories(scripts / part);
    write(folder.path() / "beside", "");
    write(state / "beside", "");
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
  write(place.scripts / "names" / path_for(record), file);
  write(place.scripts / "objects" / to_hex(sha256(source)), source);

  PlayedKernel kernel;
  PlayedClock clock;
  ProcessBooks books(kernel);
  EventLoop loop(clock);
  ChildReaper reaper(
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
  check(fs::exists(place.folder.path() / "beside") && fs::exists(place.state / "beside"));
  for (const char *part : {"names", "objects", "damaged"})
    for (const auto &entry : fs::directory_iterator(place.scripts / part))
      fs::remove(entry.path());
  return 0;
}
