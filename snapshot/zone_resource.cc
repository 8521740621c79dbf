// SPDX-License-Identifier: Apache-2.0
// A resource bundle of ICU, format version 1.2, which all of its versions read: source/common/uresdata.h of ICU
// describes it, source/i18n/olsontz.cpp and timezone.cpp what it has to have.
#include "snapshot/zone_resource.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lethe {
namespace {

// What ICU's own zones are called besides, as in the first Java. Scripts may use these names.
constexpr std::pair<const char *, const char *> older_names[] = {
    {"ACT", "Australia/Darwin"},    {"AET", "Australia/Sydney"},    {"AGT", "America/Buenos_Aires"},
    {"ART", "Africa/Cairo"},        {"AST", "America/Anchorage"},   {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},          {"CAT", "Africa/Maputo"},       {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},     {"CTT", "Asia/Shanghai"},       {"EAT", "Africa/Nairobi"},
    {"ECT", "Europe/Paris"},        {"Etc/Unknown", "Etc/GMT"},     {"IET", "America/Indianapolis"},
    {"IST", "Asia/Calcutta"},       {"JST", "Asia/Tokyo"},          {"MIT", "Pacific/Apia"},
    {"NET", "Asia/Yerevan"},        {"NST", "Pacific/Auckland"},    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},     {"PRT", "America/Puerto_Rico"}, {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"}, {"VST", "Asia/Saigon"},
};

// A value in a bundle: its type in the upper four bits; an integer, or where it is, in words.
using Resource = uint32_t;
enum Type : Resource { text = 0, binary = 1, table = 2, integer = 7, array = 8, integers = 14 };

class Bundle {
public:
  using Table = std::map<std::string, Resource>; // in the order of their bytes, as ICU wants it

  // All keys of its tables.
  explicit Bundle(const std::vector<std::string> &keys) : words_(1 + index_words) {
    std::string bytes;
    for (const std::string &key : keys) {
      keys_[key] = static_cast<uint16_t>(words_.size() * sizeof(Resource) + bytes.size());
      bytes.append(key).push_back('\0');
    }
    append(bytes);
    keys_end_ = words_.size();
  }

  Resource add(std::string_view ascii) {
    const auto [known, is_new] = texts_.try_emplace(std::string(ascii), next(text));
    if (is_new) {
      words_.push_back(static_cast<Resource>(ascii.size()));
      std::u16string wide(ascii.begin(), ascii.end());
      append(wide + u'\0');
    }
    return known->second;
  }
  Resource add(const std::vector<uint8_t> &bytes) {
    const Resource resource = next(binary);
    words_.push_back(static_cast<Resource>(bytes.size()));
    append(bytes);
    return resource;
  }
  template <size_t size> Resource add(const std::array<int32_t, size> &values) {
    return add(std::vector<int32_t>(values.begin(), values.end()));
  }
  Resource add(const std::vector<int32_t> &values) {
    const Resource resource = next(integers);
    words_.push_back(static_cast<Resource>(values.size()));
    append(values);
    return resource;
  }
  Resource add(const std::vector<Resource> &elements) {
    const Resource resource = next(array);
    words_.push_back(static_cast<Resource>(elements.size()));
    append(elements);
    return resource;
  }
  Resource add(const Table &entries) {
    const Resource resource = next(table);
    most_entries_ = std::max(most_entries_, entries.size());
    std::vector<uint16_t> head{static_cast<uint16_t>(entries.size())};
    for (const auto &[key, value] : entries)
      head.push_back(keys_.at(key));
    append(head);
    for (const auto &[key, value] : entries)
      words_.push_back(value);
    return resource;
  }
  static Resource number(int32_t value) {
    return Type::integer << 28 | (static_cast<Resource>(value) & 0x0fff'ffff);
  }

  std::string finish(const Table &root) {
    words_[0] = add(root);
    const auto end = static_cast<Resource>(words_.size()),
               keys_end = static_cast<Resource>(keys_end_);
    const Resource indexes[index_words] = {
        index_words, keys_end, end, end, static_cast<Resource>(most_entries_), 1 /* no fallback */};
    std::ranges::copy(indexes, words_.begin() + 1);
    struct {
      uint16_t header_bytes = sizeof(*this);
      uint8_t magic[2] = {0xda, 0x27};
      uint16_t info_bytes = 20, reserved = 0;
      uint8_t is_big_endian = std::endian::native == std::endian::big, characters = 0,
              character_bytes = sizeof(char16_t), reserved_too = 0;
      char format[4] = {'R', 'e', 's', 'B'};
      uint8_t format_version[4] = {1, 2, 0, 0}, data_version[4] = {1, 0, 0, 0};
      uint8_t padding[8] = {};
    } header;
    static_assert(sizeof header == 32);
    std::string file(sizeof header + words_.size() * sizeof(Resource), '\0');
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, words_.data(), words_.size() * sizeof(Resource));
    return file;
  }

private:
  static constexpr size_t index_words = 6;

  Resource next(Type type) const { return type << 28 | static_cast<Resource>(words_.size()); }
  // In whole words.
  template <typename Values> void append(const Values &values) {
    const size_t begin = words_.size(), bytes = values.size() * sizeof(values[0]);
    words_.resize(begin + (bytes + sizeof(Resource) - 1) / sizeof(Resource));
    if (bytes > 0)
      std::memcpy(&words_[begin], values.data(), bytes);
  }

  std::vector<Resource> words_;
  std::map<std::string, uint16_t> keys_;  // where they are, in bytes
  std::map<std::string, Resource> texts_; // each is there once
  size_t keys_end_ = 0, most_entries_ = 0;
};

std::string name_of(const YearlySaving &saving) {
  std::string name = "Rule";
  for (const int32_t part : saving)
    name += "_" + std::to_string(part);
  return name;
}

Resource add_zone(Bundle &bundle, const TimeZone &zone) {
  Bundle::Table entries;
  std::vector<int32_t> offsets;
  for (const ZoneOffsets &each : zone.offsets)
    offsets.insert(offsets.end(), {each.standard, each.saving});
  entries["typeOffsets"] = bundle.add(offsets);
  // Those of 32 bits are in a list of their own, and the others have two words each.
  std::vector<int32_t> before, among, beyond;
  for (const int64_t time : zone.transitions) {
    if (time == static_cast<int32_t>(time)) {
      among.push_back(static_cast<int32_t>(time));
      continue;
    }
    auto &list = time < 0 ? before : beyond;
    list.insert(list.end(), {static_cast<int32_t>(time >> 32), static_cast<int32_t>(time)});
  }
  const std::pair<const char *, const std::vector<int32_t> &> lists[] = {
      {"transPre32", before}, {"trans", among}, {"transPost32", beyond}};
  for (const auto &[key, list] : lists)
    if (!list.empty())
      entries[key] = bundle.add(list);
  if (!zone.after.empty())
    entries["typeMap"] = bundle.add(zone.after);
  if (zone.rule) {
    entries["finalRule"] = bundle.add(name_of(zone.rule->saving));
    entries["finalRaw"] = Bundle::number(zone.rule->standard);
    entries["finalYear"] = Bundle::number(zone.rule->first_year);
  }
  return bundle.add(entries);
}

} // namespace

std::string zone_resource(const TimeZones &all) {
  std::map<std::string, YearlySaving> rules;
  for (const auto &[name, zone] : all.zones)
    if (zone.rule)
      rules[name_of(zone.rule->saving)] = zone.rule->saving;
  std::vector<std::string> keys{"Names",      "Regions",   "Rules",      "TZVersion", "Zones",
                                "finalRaw",   "finalRule", "finalYear",  "trans",     "transPost32",
                                "transPre32", "typeMap",   "typeOffsets"};
  for (const auto &[name, rule] : rules)
    keys.push_back(name);
  Bundle bundle(keys);

  std::map<std::string, std::string> targets = all.links;
  for (const auto &[name, target] : older_names) {
    const auto link = all.links.find(target);
    const std::string &zone = link == all.links.end() ? target : link->second;
    if (all.zones.contains(zone))
      targets.emplace(name, zone);
  }
  for (const auto &[name, zone] : all.zones)
    targets.emplace(name, name);

  // A link is the index of its zone.
  std::map<std::string, int32_t> indexes;
  for (const auto &[name, target] : targets)
    indexes.emplace(name, static_cast<int32_t>(indexes.size()));
  std::vector<Resource> names, zones, regions;
  for (const auto &[name, target] : targets) {
    names.push_back(bundle.add(name));
    zones.push_back(name == target ? add_zone(bundle, all.zones.at(name))
                                   : Bundle::number(indexes.at(target)));
    const auto region = all.regions.find(name);
    regions.push_back(bundle.add(region == all.regions.end() ? "001" : region->second));
  }
  Bundle::Table rule_table;
  for (const auto &[name, rule] : rules)
    rule_table[name] = bundle.add(rule);
  return bundle.finish({{"Names", bundle.add(names)},
                        {"Regions", bundle.add(regions)},
                        {"Rules", bundle.add(rule_table)},
                        {"TZVersion", bundle.add(all.version)},
                        {"Zones", bundle.add(zones)}});
}

} // namespace lethe
