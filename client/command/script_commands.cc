// SPDX-License-Identifier: Apache-2.0
// lethe script put, list, get, delete, release.
#include "client/command/command_line.h"
#include "client/command/commonjs.h"
#include "client/command/report.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace lethe::command {
namespace {

struct PutArguments {
  std::string name, file, source_map;
  bool module = false, node_globals = false, must_be_pure = false;
  CommonjsChoice commonjs;
  std::vector<std::string> warm_ups;
};

// Where the JSON text at the beginning of `text` ends: at a blank outside of brackets and strings.
size_t end_of_json(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (in_string) {
      if (letter == '\\')
        ++i;
      else
        in_string = letter != '"';
    } else if (letter == '"') {
      in_string = true;
    } else if (letter == '[' || letter == '{') {
      ++depth;
    } else if (letter == ']' || letter == '}') {
      --depth;
    } else if (letter == ' ' && depth == 0) {
      return i;
    }
  }
  return text.size();
}

// 'FUNCTION JSON…' as [function, [arg, …]].
void add_warm_up(Builder &builder, const std::string &text) {
  std::string_view rest = text;
  const auto take = [&rest](size_t end) {
    std::string word(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end));
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(' ')));
    return word;
  };
  const std::string function = take(rest.find(' '));
  if (function.empty())
    throw UsageError("--warm-up: expected a function's name and its JSON arguments");
  std::vector<std::string> values;
  while (!rest.empty())
    values.push_back(take(end_of_json(rest)));
  builder.array(2).string(function).array(static_cast<uint32_t>(values.size()));
  for (const auto &value : values)
    builder.value(json_value("--warm-up " + text, value));
}

// One script to put: [name, source, options].
void add_script(Builder &params, const PutArguments &arguments, const std::string &name,
                const std::string &file, const std::string &source, bool is_module,
                const CommandLine &line) {
  std::vector<std::pair<std::string, std::function<void(Builder &)>>> options;
  const auto add_text = [&](const char *key, const std::string &text) {
    if (!text.empty())
      options.emplace_back(key, [text](Builder &builder) { builder.string(text); });
  };
  const auto add_number = [&](const char *key, int64_t number) {
    if (number > 0)
      options.emplace_back(key, [number](Builder &builder) { builder.integer(number); });
  };
  const auto add_flag = [&](const char *key, bool is_set) {
    if (is_set)
      options.emplace_back(key, [](Builder &builder) { builder.boolean(true); });
  };
  add_text("pool", line.pool);
  add_text("isolation", line.isolation);
  add_number("deadline_ms", line.deadline_ms);
  add_number("cpu_ms", line.cpu_ms);
  add_number("memory_mb", line.memory_mb);
  add_flag("module", is_module);
  add_flag("commonjs", arguments.commonjs.decide(file, source, is_module));
  add_flag("node_globals", arguments.node_globals);
  if (!arguments.source_map.empty())
    add_text("source_map", read_file(arguments.source_map));
  if (!arguments.warm_ups.empty())
    options.emplace_back("warm_up", [&arguments](Builder &builder) {
      builder.array(static_cast<uint32_t>(arguments.warm_ups.size()));
      for (const auto &text : arguments.warm_ups)
        add_warm_up(builder, text);
    });
  add_flag("warm_up_must_be_pure", arguments.must_be_pure);
  params.array(3).string(name).string(source);
  params.map(static_cast<uint32_t>(options.size()));
  for (const auto &[key, add] : options) {
    params.string(key);
    add(params);
  }
}

// The paths of the scripts below a folder, in an order. What is hidden is an editor's or a tool's.
std::vector<std::filesystem::path> scripts_in(const std::string &folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path &path = entry->path();
    if (path.filename().native().starts_with('.'))
      entry.disable_recursion_pending();
    else if (path.extension() == ".js" || path.extension() == ".mjs")
      paths.push_back(path);
  }
  if (error)
    throw UsageError(folder + ": " + error.message());
  if (paths.empty())
    throw UsageError(folder + ": there is no file *.js or *.mjs");
  std::ranges::sort(paths);
  return paths;
}

// All of them, by their paths without the ending.
int put_folder(const PutArguments &arguments, CommandLine &line) {
  if (!arguments.warm_ups.empty() || !arguments.source_map.empty())
    throw UsageError("--warm-up and --source-map are for one script: NAME FILE");
  const std::vector<std::filesystem::path> paths = scripts_in(arguments.name);
  Builder params;
  params.array(1).array(static_cast<uint32_t>(paths.size()));
  for (const auto &path : paths) {
    std::filesystem::path name = path.lexically_relative(arguments.name);
    const bool is_module = arguments.module || name.extension() == ".mjs";
    add_script(params, arguments, name.replace_extension().generic_string(), path.string(),
               read_file(path.string()), is_module, line);
  }
  return with_client(line, [&](Client &client) {
    if (::isatty(STDERR_FILENO))
      std::cerr << "putting " << paths.size() << " scripts of " << arguments.name << " ..."
                << std::endl;
    const Reply reply = administer(client, "script.put_many", params);
    if (!reply || line.json)
      return report(reply, line.json);
    std::cout << paths.size() << " scripts: in generation " << as_text(reply.value()["generation"])
              << std::endl;
    return int{success};
  });
}

// What the calls have reached, where there were some.
void report_warm_up(const Value &reached) {
  if (!reached["steady"].boolean())
    return;
  std::cout << "warm-up: " << (*reached["steady"].boolean() ? "" : "not ") << "steady after "
            << as_text(reached["rounds"]) << " rounds; a call took "
            << as_text(reached["before_us"]) << " us at first, and " << as_text(reached["after_us"])
            << " us at the end\n";
  const auto list = [&reached](const char *key, const char *before) {
    reached[key].for_each([&](Value, Value path) {
      std::cout << before << as_text(path);
      before = ", ";
    });
    std::cout << (*before == ',' ? "\n" : "");
  };
  list("changed", "warm-up: requests find what it has changed: ");
  list("unknown", "warm-up: nobody can tell whether it has changed ");
}

void add_put(CLI::App &script, CommandLine &line) {
  const auto arguments = std::make_shared<PutArguments>();
  CLI::App *put = script.add_subcommand("put", "Register a script, or a new version of one");
  put->add_option(
         "NAME", arguments->name,
         "The name to call it by; without FILE a folder, all of whose files *.js and *.mjs are "
         "registered together, or none, by their paths in it; hidden files and folders are left "
         "out")
      ->required();
  put->add_option("FILE", arguments->file, "Its source; - reads standard input");
  put->add_flag("--module", arguments->module, "It is an ES module: its exports can be called");
  arguments->commonjs.add_to(*put);
  put->add_flag("--node-globals", arguments->node_globals,
                "It finds Buffer, process and global, as npm libraries for Node.js want them");
  put->add_option("--warm-up", arguments->warm_ups,
                  "Call this function before the script is used, until V8 compiles nothing more; "
                  "may be repeated")
      ->type_name("'FUNCTION JSON…'")
      ->allow_extra_args(false);
  put->add_flag("--warm-up-must-be-pure", arguments->must_be_pure,
                "Refuse it if these calls change anything that a request could find");
  put->add_option("--source-map", arguments->source_map, "A source map, for stacks")
      ->type_name("FILE");
  put->footer("Limits and isolation become those of every call of this script.\n"
              "Example:\n"
              "  lethe script put acme/login login.js --warm-up 'onLogin {\"user\": \"ada\"}'\n"
              "  lethe script put scripts/");
  add_common_options(*put, line);
  add_limit_options(*put, line);
  put->callback([&line, arguments] {
    if (arguments->file.empty()) {
      line.action = [&line, arguments] { return put_folder(*arguments, line); };
      return;
    }
    const std::string source = read_file(arguments->file);
    const auto params = std::make_shared<Builder>();
    add_script(*params, *arguments, arguments->name, arguments->file, source, arguments->module,
               line);
    line.action = [&line, source, params] {
      return with_client(line, [&](Client &client) {
        const Reply reply = administer(client, "script.put", *params);
        if (!reply || line.json)
          return report(reply, line.json,
                        [&](const std::string &) { return std::optional(source); });
        const Value put_script = reply.value();
        std::cout << as_text(put_script["name"]) << ": version " << as_text(put_script["version"])
                  << ", in generation " << as_text(put_script["generation"]) << '\n';
        report_warm_up(put_script["warm_up"]);
        std::cout << std::flush;
        return int{success};
      });
    };
  });
}

void add_list(CLI::App &script, CommandLine &line) {
  CLI::App *list = script.add_subcommand("list", "List the registered scripts");
  const auto prefix = std::make_shared<std::string>();
  const auto failing = std::make_shared<bool>(false), quarantined = std::make_shared<bool>(false);
  list->add_option("PREFIX", *prefix, "Only those whose names begin so");
  list->add_flag("--failing", *failing, "Only those that can't be loaded");
  list->add_flag("--quarantined", *quarantined, "Only those that are quarantined");
  add_common_options(*list, line);
  list->callback([&line, prefix, failing, quarantined] {
    line.action = [&line, prefix, failing, quarantined] {
      return with_client(line, [&](Client &client) {
        Builder params;
        params.array(1).map(1u + !line.pool.empty() + *failing + *quarantined);
        params.string("prefix").string(*prefix);
        if (!line.pool.empty())
          params.string("pool").string(line.pool);
        for (const auto &[key, is_set] :
             {std::pair("failing", *failing), {"quarantined", *quarantined}})
          if (is_set)
            params.string(key).boolean(true);
        const Reply reply = client.invoke("script.list", params);
        if (!reply || line.json)
          return report(reply, line.json);
        std::vector<std::vector<std::string>> rows{
            {"NAME", "VERSION", "BYTES", "RESIDENT", "QUARANTINED", "COMPILED", "OPTIONS"}};
        reply.value().for_each([&](Value, Value entry) {
          rows.push_back({as_text(entry["name"]), as_text(entry["version"]),
                          as_text(entry["bytes"]), as_text(entry["resident"]),
                          as_text(entry["quarantined"]), as_text(entry["compiled"]),
                          as_text(entry["options"])});
        });
        std::cout << as_table(rows);
        return int{success};
      });
    };
  });
}

// Asks for `method` of the script NAME, which answers whether there was anything to do; if not, `nothing`
// is said with the name in it.
void add_named_change(CLI::App &command, CommandLine &line,
                      const std::shared_ptr<std::string> &name, const char *method,
                      std::string (*nothing)(const std::string &name)) {
  command.callback([&line, name, method, nothing] {
    line.action = [&line, name, method, nothing] {
      return with_client(line, [&](Client &client) {
        const Reply reply = administer(client, method, Builder().array(1).string(*name));
        if (reply && !line.json && reply.value().boolean() == false)
          std::cerr << nothing(*name) << '\n';
        return reply && !line.json ? int{success} : report(reply, line.json);
      });
    };
  });
}

void add_release(CLI::App &script, CommandLine &line) {
  const auto name = std::make_shared<std::string>();
  CLI::App *release = script.add_subcommand(
      "release", "Let a script run again that was quarantined for its faults");
  release->add_option("NAME", *name, "The script's name")->required();
  add_common_options(*release, line);
  add_named_change(*release, line, name, "script.release", [](const std::string &script_name) {
    return "script " + script_name + " was not quarantined";
  });
}

void add_get_and_delete(CLI::App &script, CommandLine &line) {
  const auto name = std::make_shared<std::string>();
  CLI::App *get = script.add_subcommand("get", "Print a script's source; --json: all about it");
  CLI::App *remove = script.add_subcommand("delete", "Remove a script");
  for (CLI::App *command : {get, remove}) {
    command->add_option("NAME", *name, "The script's name")->required();
    add_common_options(*command, line);
  }
  get->callback([&line, name] {
    line.action = [&line, name] {
      return with_client(line, [&](Client &client) {
        const Reply reply = client.invoke("script.get", Builder().array(1).string(*name));
        if (!reply || line.json)
          return report(reply, line.json);
        std::cout << as_text(reply.value()["source"]) << std::flush;
        return int{success};
      });
    };
  });
  add_named_change(*remove, line, name, "script.delete", [](const std::string &script_name) {
    return "there was no script " + script_name;
  });
}

} // namespace

void add_script_commands(CLI::App &app, CommandLine &line) {
  CLI::App *script =
      app.add_subcommand("script", "Register, list, show, delete and release scripts");
  script->require_subcommand(1);
  add_put(*script, line);
  add_list(*script, line);
  add_get_and_delete(*script, line);
  add_release(*script, line);
}

} // namespace lethe::command
