// SPDX-License-Identifier: Apache-2.0
// Option maps and names of scripts: what is allowed, and that what is not is named.
#include "daemon/master/scripts/request_options.h"
#include "ipc/packer.h"

#include <criterion/criterion.h>
#include <deque>
#include <string>

using namespace lethe;
using namespace std::string_literals;

namespace {

std::string name_error(std::string_view name) {
  const auto checked = check_script_name(name);
  return checked ? "" : checked.error().message;
}

// MessagePack of {key: value}.
std::string one_option(std::string_view key, std::string_view raw_value) {
  Buffer out;
  Packer packer(out);
  packer.pack_map(1);
  pack_string(packer, key);
  out.append(raw_value);
  return std::string(out.view());
}

std::string option_error(std::string_view raw, bool for_eval = false) {
  const auto options = read_call_options(raw, for_eval ? RunKind::eval : RunKind::call);
  return options ? "" : options.error().message;
}

bool contains(const std::string &text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

Test(script_name, slashes_and_any_language_are_fine) {
  for (const char *name : {"a", "acme/login", "../../etc/passwd", "ä ö/€", "🙂"})
    cr_assert_eq(name_error(name), "", "%s", name);
  cr_assert_eq(name_error(std::string(255, 'n')), "");
}

Test(script_name, what_is_no_name) {
  for (const std::string &name :
       {""s, std::string(256, 'n'), "a\0b"s, "a\nb"s, "\x7f"s, "\xc2\x80"s, "\xff"s, "\xc0\xaf"s,
        "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s})
    cr_assert_neq(name_error(name), "");
}

Test(request_options, left_out_or_nil_are_the_defaults) {
  for (const std::string &raw : {""s, "\xc0"s, "\x80"s}) {
    const auto options = read_call_options(raw, RunKind::call);
    cr_assert(options);
    cr_assert_eq(options->pool, "default");
    cr_assert(!options->limits.deadline_ms && !options->console);
  }
}

Test(request_options, an_unknown_key_is_named) {
  cr_assert(contains(option_error(one_option("deadline", "\x05")), "deadline"));
  cr_assert(contains(option_error(one_option("globals", "\x80")), "globals"), "only for eval");
  cr_assert_eq(option_error(one_option("globals", "\x80"), true), "");
  cr_assert(!read_script_options(one_option("console", "\xc3")));
}

Test(request_options, a_wrong_type_or_value_is_named) {
  cr_assert(contains(option_error(one_option("deadline_ms", "\xa1x")), "deadline_ms"));
  cr_assert(contains(option_error(one_option("deadline_ms", "\x00"s)), "deadline_ms"));
  cr_assert(contains(option_error(one_option("isolation", "\xa4none")), "rewind"));
  cr_assert(contains(option_error(one_option("console", "\x02")), "true or false"));
  cr_assert(!read_script_options(one_option("warm_up", "\x91\x91\xa1"
                                                       "f")));
  cr_assert(contains(option_error("\x01"), "map"));
}

Test(request_options, a_whole_floating_point_number_is_a_number) {
  const auto whole = read_call_options(
      one_option("deadline_ms", "\xcb\x40\x59\x00\x00\x00\x00\x00\x00"s), RunKind::call);
  cr_assert(whole && whole->limits.deadline_ms == 100);
  cr_assert_neq(option_error(one_option("deadline_ms", "\xcb\x40\x59\x10\x00\x00\x00\x00\x00"s)),
                "");
  cr_assert_neq(option_error(one_option("deadline_ms", "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"s)),
                "");
}

Test(request_options, what_a_zygote_needs_is_read_by_the_names_of_its_record) {
  std::deque<std::string> given; // what is read views it
  const auto load_of = [&given](std::string_view key, std::string_view raw) {
    const auto options = read_script_options(given.emplace_back(one_option(key, raw)));
    cr_assert(options, "%s", options ? "" : options.error().message.c_str());
    return options->load;
  };
  cr_assert(load_of("module", "\xc3") == message::LoadOptions{.module = true});
  cr_assert(load_of("commonjs", "\xc3") == message::LoadOptions{.commonjs = true});
  cr_assert(load_of("node_globals", "\xc3") == message::LoadOptions{.node_globals = true});
  const std::string calls = "\x91\x92\xa1"
                            "f\x90";
  cr_assert(load_of("warm_up", calls) == message::LoadOptions{.warm_up = calls});
  cr_assert(load_of("warm_up_must_be_pure", "\xc3") ==
            message::LoadOptions{.warm_up_must_be_pure = true});
  cr_assert(load_of("source_map", "\xa1m") == message::LoadOptions{.source_map = "m"});
  for (const char *key :
       {"module", "commonjs", "node_globals", "warm_up", "warm_up_must_be_pure", "source_map"}) {
    cr_assert(load_of(key, "\xc0") == message::LoadOptions{}, "nil is the default: %s", key);
    const auto wrong = read_script_options(one_option(key, "\x02"));
    cr_assert(!wrong && contains(wrong.error().message, std::string("option ") + key), "%s", key);
    cr_assert(contains(option_error(one_option(key, "\xc0")), key), "not of a call: %s", key);
  }
}

Test(request_options, a_script_keeps_what_it_was_given) {
  Script script;
  {
    const std::string raw = one_option("source_map", "\xa1m");
    cr_assert(give_options(script, raw));
    cr_assert_eq(script.options, raw);
  }
  cr_assert_eq(script.load_options.source_map, "m");
  for (const std::string_view none : {"", "\xc0", "\x80"}) {
    Script other;
    cr_assert(give_options(other, none));
    cr_assert_eq(other.options, "\x80");
  }
  cr_assert(!give_options(script, "\x01"));
}
