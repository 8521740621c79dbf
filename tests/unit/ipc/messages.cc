// SPDX-License-Identifier: Apache-2.0
// Bodies of messages: each kind of field within and beyond its limits, and all rows of the table.
#include "ipc/messages.h"

#include <criterion/criterion.h>
#include <deque>
#include <string>

using namespace lethe;
using namespace lethe::message;
using namespace std::literals;

namespace {

constexpr uint32_t depth = 8;

// --- kinds ---

// Is this one value of that kind, and nothing else?
template <typename Tried> bool takes(std::string_view bytes) {
  typename Tried::Value value{};
  Skimmer skimmer(depth);
  Source from{Reader(bytes), &skimmer};
  return Tried::read(from, value) && from.reader.at_end();
}

template <typename Tried> std::string written(const typename Tried::Value &value) {
  Buffer out;
  Tried::write(out, value);
  return std::string(out.view());
}

std::string string_of(size_t bytes, std::string_view character = "x") {
  std::string text;
  while (text.size() + character.size() <= bytes)
    text += character;
  return written<Bytes<>>(text);
}

std::string list_of(uint32_t count, std::string_view item) {
  Buffer out;
  Packer(out).pack_array(count);
  for (uint32_t i = 0; i < count; ++i)
    out.append(item);
  return std::string(out.view());
}

constexpr std::string_view no_known_value = "\xc1", an_extension("\xd4\x01\x01", 3);

// --- all rows: values for any field, the least and the most that its kind takes ---

std::deque<std::string> kept; // what the views see

template <typename Sampled> struct Sample;
template <typename Struct> Struct sample_of(bool most) {
  Struct sample;
  all_fields<Struct>([&]<typename Each>(const Each &) {
    sample.*Each::member = Sample<typename Each::Kind>::of(most);
    return true;
  });
  return sample;
}

template <int64_t least, int64_t most> struct Sample<Integer<least, most>> {
  static auto of(bool is_most) {
    return static_cast<typename Integer<least, most>::Value>(is_most ? most : least);
  }
};
template <> struct Sample<Flag> {
  static bool of(bool most) { return most; }
};
template <auto last> struct Sample<Choice<last>> {
  static auto of(bool most) { return most ? last : decltype(last){}; }
};
template <uint32_t all> struct Sample<Bits<all>> {
  static uint32_t of(bool most) { return most ? all : 0; }
};
template <uint32_t most_bytes> struct Sample<Bytes<most_bytes>> {
  static std::string_view of(bool most) {
    return kept.emplace_back(most ? std::min(most_bytes, 70'000u) : 0, '\xff');
  }
};
template <uint32_t most_bytes> struct Sample<Text<most_bytes>> {
  static std::string_view of(bool most) {
    return kept.emplace_back(most ? std::min(most_bytes, 70'000u) : 0, 'x');
  }
};
template <RawShape shape> struct Sample<Raw<shape>> {
  static std::string_view of(bool most) {
    if (shape == RawShape::map)
      return most ? "\x81\xa1k\x92\x01\x02" : "\x80";
    return most ? "\x92\x81\x01\x02\xcb\x3f\xf0\0\0\0\0\0\0"sv : "\x90"sv;
  }
};
template <typename Sampled> struct Sample<OrNil<Sampled>> {
  static typename OrNil<Sampled>::Value of(bool most) {
    return most ? std::optional(Sample<Sampled>::of(most)) : std::nullopt;
  }
};
template <typename Sampled, uint32_t most_items> struct Sample<List<Sampled, most_items>> {
  static typename List<Sampled, most_items>::Value of(bool most) {
    if (most)
      return {Sample<Sampled>::of(true), Sample<Sampled>::of(false), Sample<Sampled>::of(true)};
    return {};
  }
};
template <typename Key, typename Sampled, uint32_t most_pairs>
struct Sample<Map<Key, Sampled, most_pairs>> {
  static typename Map<Key, Sampled, most_pairs>::Value of(bool most) {
    if (most)
      return {{Sample<Key>::of(true), Sample<Sampled>::of(true)},
              {"key", Sample<Sampled>::of(false)}};
    return {};
  }
};
template <typename Sampled> struct Sample<Packed<Sampled>> {
  static std::string_view of(bool most) {
    return kept.emplace_back(written<Sampled>(Sample<Sampled>::of(most)));
  }
};
template <typename Struct> struct Sample<Record<Struct>> {
  static Struct of(bool most) { return sample_of<Struct>(most); }
};

template <typename Struct> struct Sample<ByName<Struct>> {
  static Struct of(bool most) { return sample_of<Struct>(most); }
};
template <typename Sampled> struct Sample<MayLack<Sampled>> : Sample<Sampled> {};

template <typename Message> std::string body_of(const Message &message) {
  Buffer out;
  write_message(out, message);
  return std::string(out.view());
}

// The error's text; empty: it was read.
template <typename Message> std::string flaw_of(std::string_view body) {
  Skimmer skimmer(depth);
  const auto read = read_message<Message>(body, &skimmer);
  return read ? "" : read.error().message;
}

// Its fields, each as it stands in a body.
template <typename Message> std::vector<std::string> parts_of(const Message &message) {
  std::vector<std::string> parts;
  all_fields<Message>([&]<typename Each>(const Each &) {
    parts.push_back(written<typename Each::Kind>(message.*Each::member));
    return true;
  });
  return parts;
}

std::string body_of(const std::vector<std::string> &parts) {
  Buffer out;
  if (parts.size() != 1)
    Packer(out).pack_array(static_cast<uint32_t>(parts.size()));
  for (const std::string &part : parts)
    out.append(part);
  return std::string(out.view());
}

} // namespace

Test(message_fields, an_integer_keeps_to_its_range) {
  using Percent = Integer<-100, 100>;
  for (const auto &[number, fits] :
       {std::pair{-101, false}, {-100, true}, {0, true}, {100, true}, {101, false}})
    cr_assert_eq((takes<Percent>(written<Integer<INT64_MIN, INT64_MAX>>(number))), fits, "%d",
                 number);
  cr_assert((takes<Integer<0, INT64_MAX>>("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")));
  cr_assert((!takes<Integer<0, INT64_MAX>>("\xcf\x80\0\0\0\0\0\0\0"s)), "beyond int64");
  cr_assert((!takes<Integer<0, INT64_MAX>>("\xff")), "-1");
  for (const std::string_view other :
       {"\xa1"
        "1"sv,
        "\xc3"sv, "\xc0"sv, "\xcb\x3f\xf0\0\0\0\0\0\0"sv, "\xcd\x01"sv, ""sv})
    cr_assert(!takes<Percent>(other));
}

Test(message_fields, an_integer_takes_the_least_room_that_holds_its_range) {
  static_assert(std::is_same_v<Pid::Value, int32_t>);
  static_assert(std::is_same_v<Number::Value, uint32_t>);
  static_assert(std::is_same_v<Count::Value, int64_t>);
}

Test(message_fields, a_flag_is_a_boolean) {
  cr_assert(takes<Flag>("\xc2") && takes<Flag>("\xc3"));
  for (const std::string_view other : {"\x01"sv, "\xc0"sv, "\xa0"sv, ""sv})
    cr_assert(!takes<Flag>(other));
}

Test(message_fields, a_choice_is_one_of_its_enumeration) {
  using Tried = Choice<RunKind::heap>;
  cr_assert(takes<Tried>(written<Tried>(RunKind::heap)));
  cr_assert(!takes<Tried>("\x05"));
  cr_assert(!takes<Tried>("\xff"));
}

Test(message_fields, bits_are_those_that_are_known) {
  cr_assert(takes<Bits<all_run_flags>>("\x3f"));
  cr_assert(!takes<Bits<all_run_flags>>("\x40"));
  cr_assert(!takes<Bits<all_run_flags>>("\xff"));
}

Test(message_fields, a_string_keeps_to_its_length) {
  for (const size_t bytes : {0, 31, 32, 255, 256})
    cr_assert_eq(takes<Bytes<255>>(string_of(bytes)), bytes <= 255);
  cr_assert(takes<Bytes<>>(string_of(100'000)));
  cr_assert(takes<Bytes<255>>("\xa1\xff"), "any bytes");
  for (const std::string_view other :
       {"\xc4\x01x"sv, "\x01"sv, "\xc0"sv, "\x91\xa1x"sv, "\xa2x"sv, ""sv})
    cr_assert(!takes<Bytes<255>>(other));
}

Test(message_fields, a_text_is_utf8) {
  for (const std::string_view character : {"x"sv, "\0"sv, "ä"sv, "€"sv, "😀"sv})
    cr_assert(takes<Text<255>>(string_of(40, character)));
  cr_assert(!takes<Text<255>>(string_of(256)));
  for (const std::string_view wrong : {"\xff"sv, "\x80"sv, "\xc3"sv, "\xc0\x80"sv, "\xed\xa0\x80"sv,
                                       "\xf4\x90\x80\x80"sv, "\xf0\x9f\x98"sv})
    for (const size_t before : {0, 7, 8, 9}) { // eight bytes are looked at together
      const std::string text = std::string(before, 'x').append(wrong);
      cr_assert(!takes<Text<255>>(written<Bytes<>>(text)));
      cr_assert(!takes<Text<255>>(written<Bytes<>>(text + "and more")));
    }
}

Test(message_fields, a_raw_value_is_one_whole_value_of_its_shape) {
  for (const std::string_view any :
       {"\xc0"sv, "\x2a"sv, "\xa1x"sv, "\xd4\x01\x02"sv, "\x90"sv, "\x81\x01\x02"sv}) {
    cr_assert(takes<Raw<>>(any));
    cr_assert_eq(takes<Raw<RawShape::array>>(any), any == "\x90");
    cr_assert_eq(takes<Raw<RawShape::map>>(any), any.starts_with('\x81'));
  }
  for (const std::string_view wrong :
       {""sv, "\x92\x01"sv, "\x81\x01"sv, "\xc1"sv, "\x91\xc1"sv, "\x2a\x2a"sv})
    cr_assert(!takes<Raw<>>(wrong));
}

Test(message_fields, a_raw_value_is_no_deeper_than_allowed) {
  const auto nested = [](size_t levels) { return std::string(levels, '\x91') + "\xc0"; };
  cr_assert(takes<Raw<>>(nested(depth)));
  cr_assert(!takes<Raw<>>(nested(depth + 1)));
  std::string_view value;
  const std::string deep = nested(100'000);
  Source trusted{Reader(deep), nullptr};
  cr_assert(Raw<>::read(trusted, value) && value == deep, "a sender who has looked at it");
}

Test(message_fields, a_raw_value_is_not_copied) {
  const std::string body = body_of(Done{.compiled = 0, .result = "\x92\x01\x02"});
  cr_assert_eq(read_message<Done>(body)->result.data(), body.data() + 2);
}

Test(message_fields, what_may_be_nil_is_nil_or_of_its_kind) {
  using Tried = OrNil<Bytes<3>>;
  cr_assert(takes<Tried>("\xc0") && takes<Tried>("\xa3xyz"));
  cr_assert(!takes<Tried>("\xa4wxyz") && !takes<Tried>("\x01") && !takes<Tried>(""));
}

Test(message_fields, a_list_keeps_to_its_length_and_its_kind) {
  using Tried = List<Text<3>, 2>;
  for (const uint32_t count : {0, 1, 2, 3})
    cr_assert_eq(takes<Tried>(list_of(count, "\xa3xyz")), count <= 2);
  for (const std::string_view wrong :
       {"\x91\x01"sv, "\x91\xa4wxyz"sv, "\x92\xa0"sv, "\x80"sv, "\xc0"sv, ""sv})
    cr_assert(!takes<Tried>(wrong));
  cr_assert((!takes<List<Text<3>, unlimited>>("\xdd\xff\xff\xff\xff\xa0")), "nothing is there");
}

Test(message_fields, a_map_keeps_to_its_length_and_its_kinds) {
  using Tried = Map<Text<3>, Raw<>, 1>;
  cr_assert(takes<Tried>("\x80") && takes<Tried>("\x81\xa1k\x90"));
  for (const std::string_view wrong :
       {"\x82\xa1k\x90\xa1l\x90"sv, "\x81\x01\x90"sv, "\x81\xa1k"sv, "\x90"sv, ""sv})
    cr_assert(!takes<Tried>(wrong));
}

Test(message_fields, a_record_has_all_its_fields_and_no_more) {
  using Tried = Record<ScriptToLoad>;
  const std::string whole = written<Tried>({"name", 1, "source", {}, {}});
  cr_assert(takes<Tried>(whole));
  const std::string_view fields = std::string_view(whole).substr(1);
  cr_assert(!takes<Tried>(std::string("\x94").append(fields.substr(0, fields.size() - 1))));
  cr_assert(!takes<Tried>(std::string("\x96").append(fields).append("\xc0")));
  cr_assert(!takes<Tried>(std::string("\x96").append(fields)), "announced, and not there");
  cr_assert(!takes<Tried>(std::string("\x95\x01").append(fields.substr(5))), "name");
}

Test(message_fields, a_packed_value_is_one_of_its_kind_and_stays_as_its_bytes) {
  using Tried = Packed<List<Record<WarmUpCall>, 2>>;
  const auto call = "\x92\xa1"
                    "f\x90"sv;
  for (const uint32_t count : {0, 1, 2, 3})
    cr_assert_eq(takes<Tried>(list_of(count, call)), count <= 2);
  for (const std::string_view wrong : {"\x91\x91\xa1"
                                       "f"sv,
                                       "\x91\x92\xa1"
                                       "f\x01"sv,
                                       "\x80"sv, ""sv})
    cr_assert(!takes<Tried>(wrong));
  const std::string bytes = list_of(2, call);
  std::string_view value;
  Source from{Reader(bytes), nullptr};
  cr_assert(Tried::read(from, value) && value.data() == bytes.data());
}

Test(message_fields, a_records_last_field_may_lack_where_its_kind_says_so) {
  using Tried = Record<WarmUpCall>;
  const auto with = [](std::string_view options) {
    return std::string("\x93\xa1"
                       "f\x90")
        .append(options);
  };
  const auto fetch_of = [](std::string_view bytes) {
    const auto call = unpack<Tried>(bytes);
    return call ? std::optional(call->options.fetch) : std::nullopt;
  };
  cr_assert(fetch_of("\x92\xa1"
                     "f\x90") == false);
  cr_assert(fetch_of(with("\xc0")) == false);
  cr_assert(fetch_of(with("\x80")) == false);
  cr_assert(fetch_of(with("\x81\xa5"
                          "fetch\xc0")) == false);
  cr_assert(fetch_of(with("\x81\xa5"
                          "fetch\xc3")) == true);
  cr_assert(fetch_of(written<Tried>({"f", "\x90", {.fetch = true}})) == true);
  for (const std::string_view wrong : {"\xc3"sv, "\x90"sv, "\x81\xa5other\xc3"sv,
                                       "\x81\xa5"
                                       "fetch\x01"sv,
                                       "\x81"sv, "\x81\x01\xc3"sv})
    cr_assert(!fetch_of(with(wrong)));
  cr_assert(!fetch_of("\x94\xa1"
                      "f\x90\x80\xc0"));
}

Test(message_fields, what_is_kept_has_memory_of_its_own) {
  LoadOptions views{.module = true, .source_map = "a text that is too long to lie in a string"};
  Kept<LoadOptions> kept_options;
  {
    const std::string text(*views.source_map);
    views.source_map = text;
    kept_options = Kept(views);
    cr_assert_neq(kept_options->source_map->data(), text.data());
  }
  const Kept<LoadOptions> moved = std::move(kept_options);
  cr_assert(moved->module && !moved->node_globals && !moved->warm_up);
  cr_assert_eq(moved->source_map, "a text that is too long to lie in a string");
}

Test(messages, each_is_read_as_it_was_written) {
  for_each_message([]<typename Message>() {
    for (const bool most : {false, true}) {
      const auto sample = sample_of<Message>(most);
      const std::string body = body_of(sample);
      cr_assert_leq(body.size(), Message::row.most_bytes, "%s", Message::row.name.data());
      Skimmer skimmer(depth);
      const auto read = read_message<Message>(body, &skimmer);
      cr_assert(read, "%s", read ? "" : read.error().message.c_str());
      cr_assert(*read == sample, "%s", Message::row.name.data());
    }
  });
}

Test(messages, samples_differ) { // or the test above would show nothing
  for_each_message([]<typename Message>() {
    cr_assert(sample_of<Message>(true) != sample_of<Message>(false), "%s",
              Message::row.name.data());
  });
}

Test(messages, one_that_is_cut_off_or_goes_on_is_refused) {
  for_each_message([]<typename Message>() {
    const std::string body = body_of(sample_of<Message>(true));
    const size_t step = body.size() / 5000 + 1;
    for (size_t bytes = 0; bytes < body.size(); bytes += step)
      cr_assert_neq(flaw_of<Message>(body.substr(0, bytes)), "");
    cr_assert_eq(flaw_of<Message>(body + "\xc0"),
                 std::string(Message::row.name) + ": more follows its last field");
  });
}

Test(messages, one_with_another_number_of_fields_is_refused) {
  for_each_message([]<typename Message>() {
    if (field_count<Message> == 1)
      return;
    auto parts = parts_of(sample_of<Message>(true));
    parts.emplace_back("\xc0");
    const std::string expected = std::string(Message::row.name) + ": it is not an array of " +
                                 std::to_string(field_count<Message>) + " fields";
    cr_assert_eq(flaw_of<Message>(body_of(parts)), expected);
    parts.resize(parts.size() - 2);
    if (parts.size() != 1)
      cr_assert_eq(flaw_of<Message>(body_of(parts)), expected);
    cr_assert_eq(flaw_of<Message>("\x01"), expected);
    cr_assert_eq(flaw_of<Message>(""), expected);
  });
}

Test(messages, a_field_of_another_kind_is_named) {
  for_each_message([]<typename Message>() {
    const auto parts = parts_of(sample_of<Message>(true));
    size_t place = 0;
    all_fields<Message>([&]<typename Each>(const Each &field) {
      auto wrong = parts;
      const bool takes_any = std::is_same_v<typename Each::Kind, Raw<>>;
      wrong[place++] = takes_any ? no_known_value : an_extension;
      const std::string flaw = flaw_of<Message>(body_of(wrong)),
                        expected = std::string(Message::row.name) + ": " + std::string(field.name) +
                                   " is not ";
      cr_assert(flaw.starts_with(expected), "%s", flaw.c_str());
      return true;
    });
  });
}

Test(messages, the_last_field_may_be_appended) {
  Buffer out;
  write_up_to_last(out, Run{.kind = RunKind::call, .script = "script", .text = "function"});
  out.append("\x91\x2a");
  cr_assert_eq(read_message<Run>(out.view())->arguments, "\x91\x2a");
  Buffer bare;
  write_up_to_last(bare, DebugOutput{});
  cr_assert(bare.view().empty());
}

Test(messages, the_flaw_says_what_a_field_ought_to_be) {
  cr_assert_eq(flaw_of<Exited>("\x94\x00\x00\x00\x00"s),
               "exited: pid is not an integer from 1 to 2147483647");
  cr_assert_eq(flaw_of<Console>("\x92\xa3log\x01"), "console: text is not a string in UTF-8");
  cr_assert_eq(flaw_of<Loading>(string_of(256)),
               "loading: script is not a string in UTF-8 of at most 255 bytes");
  cr_assert_eq(flaw_of<Failed>("\x92\x00\x2a"s),
               "failed: error is not a map that is whole and not too deep");
}

Test(messages, no_two_rows_have_the_same_number) {
  for_each_message([]<typename Message>() {
    cr_assert_eq(find_row(static_cast<uint16_t>(Message::row.type)), &Message::row);
  });
  cr_assert_null(find_row(0));
}
