// SPDX-License-Identifier: Apache-2.0
// What the programs in C++ say. A library's own file includes it last: it is written in that one's words.
#pragma once

static void say(const std::string &name, const std::function<std::string()> &attempt) {
  std::string outcome;
  try {
    outcome = attempt();
  } catch (const Refused &refused) {
    outcome = describe(refused);
  } catch (const std::exception &error) {
    outcome = error.what();
  }
  std::cout << name << '\t' << outcome << std::endl;
}

int main(int, char **words) {
  socket_path = words[1];
  for (const char *name : {"nil",
                           "booleans",
                           "integers",
                           "largest_safe",
                           "beyond_safe",
                           "largest_uint64",
                           "smallest_int64",
                           "float",
                           "whole_float",
                           "minus_zero",
                           "infinity",
                           "nan",
                           "text",
                           "long_text",
                           "digits",
                           "bytes",
                           "date",
                           "date_before_1970",
                           "date_in_3000",
                           "array",
                           "empty_array",
                           "map",
                           "empty_map",
                           "map_by_numbers",
                           "map_by_arrays",
                           "map_with_nil",
                           "map_with_proto",
                           "deep"}) {
    const auto value = values.find(name);
    if (value != values.end())
      say(std::string("to.") + name, [&] { return text(call("take", list(value->second))); });
    say(std::string("from.") + name, [&] {
      const Value given = call("give", list(of_text(name)));
      return value != values.end() && same(given, value->second) ? "same" : show(given);
    });
  }
  say("error", [&] { return text(call("fail", no_arguments)); });
  say("deadline", [&] { return text(call("spin", no_arguments, option("deadline_ms", of(100)))); });
  say("true_option", [&] {
    std::vector<std::string> console;
    call("log", no_arguments, option("console", of(true)), &console);
    return console.at(0);
  });
  say("no_options", [&] { return text(call("log", no_arguments, none)); });
  say("host_call", [&] {
    return text(call("ask", no_arguments, nothing, nullptr,
                     [&](const Value &numbers) { return std::pair(nothing, of(sum(numbers))); }));
  });
  say("host_error", [&] {
    return text(call("ask_in_vain", no_arguments, nothing, nullptr,
                     [&](const Value &) { return std::pair(of_text("not allowed"), nothing); }));
  });
}
