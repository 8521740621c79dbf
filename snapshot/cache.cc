// SPDX-License-Identifier: Apache-2.0
// Keys and files of startup snapshots.
#include "snapshot/cache.h"
#include "daemon/engine/engine.h"
#include "daemon/natives/natives.h"
#include "daemon/natives/prelude.h"
#include "ipc/file_descriptor.h"
#include "ipc/files.h"
#include "ipc/hex.h"
#include "ipc/invariant.h"
#include "ipc/message_pack.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <link.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lethe {
namespace {

// Raised when the file's format changes, or what a snapshot refers to besides native functions.
constexpr uint32_t format_version = 2;

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t about_bytes;
  uint64_t blob_bytes;
  Digest key;
  Digest checksum; // of everything after the header
};
constexpr const char *zone_file = "/zoneinfo64.res"; // ICU knows this name
constexpr char magic[8] = {'L', 'E', 'T', 'H', 'E', 'S', 'N', 'P'};

class Hash {
public:
  Hash() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Hash() { EVP_MD_CTX_free(context_); }
  Hash(const Hash &) = delete;
  Hash &operator=(const Hash &) = delete;

  void add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  // With its length, so that no two lists of fields give the same bytes.
  void add_field(std::string_view bytes) {
    const uint64_t size = bytes.size();
    add({reinterpret_cast<const char *>(&size), sizeof size});
    add(bytes);
  }
  Digest finish() {
    Digest digest;
    EVP_DigestFinal_ex(context_, digest.data(), nullptr);
    return digest;
  }

private:
  EVP_MD_CTX *context_;
};

// The build id is in a note of the library that holds `address`.
struct BuildIdSearch {
  uintptr_t address;
  std::string id;
};

int look_for_build_id(dl_phdr_info *info, size_t, void *context) {
  auto &search = *static_cast<BuildIdSearch *>(context);
  bool holds_address = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto &segment = info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && search.address >= begin &&
        search.address < begin + segment.p_memsz)
      holds_address = true;
  }
  for (int i = 0; holds_address && i < info->dlpi_phnum; ++i) {
    const auto &segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE)
      continue;
    const char *note = reinterpret_cast<const char *>(info->dlpi_addr + segment.p_vaddr);
    const char *end = note + segment.p_memsz;
    while (note + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) head;
      std::memcpy(&head, note, sizeof head);
      const auto padded = [](size_t bytes) { return (bytes + 3) & ~size_t{3}; };
      const char *description = note + sizeof head + padded(head.n_namesz);
      if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4)
        search.id.assign(description, head.n_descsz);
      note = description + padded(head.n_descsz);
    }
  }
  return holds_address ? 1 : 0;
}

// Names the release, all zones and how they change; empty where there is none.
std::string tzdata_index() {
  const auto text = read_file(tzdata_folder() + "/tzdata.zi");
  return text ? *text : "";
}

} // namespace

Digest digest_of(std::string_view bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.finish();
}

std::string to_hex(const Digest &digest) {
  return to_hex({reinterpret_cast<const char *>(digest.data()), digest.size()});
}

std::string script_name(const PreloadFile &file) {
  return "preload:" + file.path.substr(file.path.rfind('/') + 1);
}

Result<std::vector<PreloadFile>> read_preload_files(const std::vector<std::string> &paths) {
  std::vector<PreloadFile> files;
  for (const std::string &path : paths) {
    auto text = read_file(path);
    if (!text)
      return text.error();
    files.push_back({path, std::move(*text)});
  }
  return files;
}

std::string engine_build_id() {
  BuildIdSearch search{reinterpret_cast<uintptr_t>(&v8::V8::GetVersion), {}};
  dl_iterate_phdr(look_for_build_id, &search);
  return to_hex(search.id);
}

// Two processes must come to the same key, each by itself: lethe-snapshot, which builds, and
// lethe-zygote, which looks for the file. So the order is fixed.
Digest snapshot_key(const std::vector<PreloadFile> &preload) {
  Hash hash;
  hash.add_field(std::to_string(format_version));
  hash.add_field(LETHE_VERSION);
  hash.add_field(v8::V8::GetVersion());
  // The same version of V8 may be built anew, with other patches or options.
  hash.add_field(engine_build_id());
  hash.add_field(v8_flags());
  for (const PreludeFile &file : prelude_files())
    hash.add_field(file.text);
  for (const PreludeGroup &group : prelude_groups()) {
    hash.add_field(group.name);
    hash.add_field(group.text);
  }
  for (const LazyGlobals &row : lazy_globals()) {
    hash.add_field(row.group);
    hash.add_field(row.names);
  }
  hash.add_field(native_names());
  hash.add_field(tzdata_index());
  for (const PreloadFile &file : preload) {
    hash.add_field(file.path); // it is the script's name in stacks
    hash.add_field(file.text);
  }
  return hash.finish();
}

std::string snapshot_path(const std::string &cache_dir, const Digest &key) {
  return cache_dir + "/" + to_hex(key) + ".snapshot";
}

std::string tzdata_folder() {
  const char *folder = std::getenv("TZDIR");
  return folder && *folder ? folder : "/usr/share/zoneinfo";
}

std::string tzdata_version() {
  constexpr std::string_view begin = "# version ";
  const std::string index = tzdata_index();
  if (!index.starts_with(begin))
    return "";
  return index.substr(begin.size(), index.find('\n') - begin.size());
}

std::string zone_folder(const std::string &snapshot) { return snapshot + ".zones"; }

Result<Nothing> write_zone_file(const std::string &folder, const std::string &zones) {
  std::error_code ignored; // writing the file says what is wrong
  std::filesystem::create_directories(folder, ignored);
  return replace_file(folder + zone_file, zones + to_hex(digest_of(zones)), 0644);
}

Result<std::string> use_time_zones(const std::string &folder) {
  const auto file = read_file(folder + zone_file);
  if (!file)
    return std::string();
  const size_t checksum_bytes = 2 * sizeof(Digest);
  const std::string_view bytes = *file;
  const std::string_view zones =
      bytes.substr(0, bytes.size() - std::min(bytes.size(), checksum_bytes));
  if (bytes.substr(zones.size()) != to_hex(digest_of(zones)))
    return Error(ErrorCode::internal, folder + zone_file + " is damaged");
  ::setenv("ICU_TIMEZONE_FILES_DIR", folder.c_str(), 1);
  return tzdata_version();
}

Result<SnapshotFile> SnapshotFile::open(const std::string &path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (!file || ::fstat(file.get(), &status) < 0)
    return file_error("open", path);
  const auto size = static_cast<size_t>(status.st_size);
  if (size < sizeof(FileHeader))
    return Error(ErrorCode::internal, path + ": too short to be a startup snapshot");
  // Populated: the checksum reads all of it at once.
  void *mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file.get(), 0);
  if (mapping == MAP_FAILED)
    return file_error("mmap", path);
  SnapshotFile snapshot({static_cast<const char *>(mapping), size});
  if (auto checked = snapshot.check(); !checked)
    return Error(ErrorCode::internal, path + ": " + checked.error().message);
  return snapshot;
}

Result<Nothing> SnapshotFile::check() {
  const auto wrong = [](const char *reason) { return Error(ErrorCode::internal, reason); };
  FileHeader header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  if (std::memcmp(header.magic, magic, sizeof magic) != 0)
    return wrong("not a startup snapshot");
  if (header.version != format_version || header.header_bytes != sizeof header)
    return wrong("of another version of the format");
  const size_t rest = bytes_.size() - sizeof header;
  if (header.about_bytes > rest || header.blob_bytes != rest - header.about_bytes)
    return wrong("its length is not what it says");
  // A damaged blob is rebuilt; none is given to V8 to see what happens.
  if (digest_of(bytes_.substr(sizeof header)) != header.checksum)
    return wrong("damaged: the checksum does not match");
  about_bytes_ = header.about_bytes;
  return Nothing{};
}

SnapshotFile::~SnapshotFile() {
  if (!bytes_.empty())
    ::munmap(const_cast<char *>(bytes_.data()), bytes_.size());
}

Digest SnapshotFile::key() const {
  FileHeader header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  return header.key;
}

std::string_view SnapshotFile::about() const {
  return bytes_.substr(sizeof(FileHeader), about_bytes_);
}

v8::StartupData SnapshotFile::blob() const {
  const std::string_view blob = bytes_.substr(sizeof(FileHeader) + about_bytes_);
  return {blob.data(), static_cast<int>(blob.size())};
}

bool SnapshotFile::holds_preload() const {
  Reader reader(about());
  for (uint32_t pairs = reader.map().value_or(0); pairs > 0; --pairs) {
    if (reader.string() == evaluated_key)
      return reader.string() != evaluated_in_each_context;
    reader.skip();
  }
  return true;
}

Result<Nothing> write_snapshot(const std::string &path, const Digest &key, std::string_view about,
                               std::string_view blob) {
  invariant(blob.size() <= INT32_MAX, "V8 can say how long its blob is", {"bytes", blob.size()});
  FileHeader header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.version = format_version;
  header.header_bytes = sizeof header;
  // V8 wants its blob aligned: the part before it is padded (MessagePack readers stop at its end).
  std::string content(sizeof header, '\0');
  content.append(about);
  content.resize((content.size() + 63) / 64 * 64);
  // The padding counts, so that the lengths add up to the file's.
  header.about_bytes = content.size() - sizeof header;
  header.blob_bytes = blob.size();
  content.append(blob);
  header.key = key;
  header.checksum = digest_of(std::string_view(content).substr(sizeof header));
  std::memcpy(content.data(), &header, sizeof header);
  return replace_file(path, content, 0644);
}

} // namespace lethe
