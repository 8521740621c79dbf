// SPDX-License-Identifier: Apache-2.0
// lethe bundle: a file and what it imports as one script, by the user's own esbuild and the plugin of
// the npm package `lethe`. Both are JavaScript, so Node.js runs them.
#include "client/command/command_line.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace lethe::command {
namespace {

namespace fs = std::filesystem;

constexpr const char *driver_path = "lib/bundle/main.js"; // in the npm package

struct BundleOption {
  const char *name, *help;
  bool is_flag;
};
// As the driver knows them.
constexpr BundleOption bundle_options[] = {
    {"-o,--output", "The file to write; without it, standard output", false},
    {"--classic", "A classic script, whose functions are global names, instead of a module", true},
    {"--minify", "Without blanks and comments, with short names", true},
    {"--source-text", "The source map holds the texts, too", true},
    {"--target", "What JavaScript may be in it, as esbuild says it (es2022)", false},
    {"--define", "NAME=EXPRESSION: what stands for a global name", false},
    {"--external", "A module that stays outside: a script of Lethe's", false},
    {"--loader", ".EXTENSION=KIND: what esbuild makes of such files", false},
    {"--quiet", "Do not say what was replaced", true}};

fs::path program_folder() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

// Of the package that is installed for the file, else of the checkout that this program was built
// in.
fs::path find_driver(const std::string &file) {
  std::error_code ignored;
  const fs::path start = fs::absolute(file, ignored).lexically_normal();
  for (fs::path folder = start.parent_path();; folder = folder.parent_path()) {
    fs::path candidate = folder / "node_modules" / "lethe" / driver_path;
    if (fs::exists(candidate, ignored))
      return candidate;
    if (folder == folder.root_path())
      break;
  }
  const fs::path own = program_folder().parent_path().parent_path() / "client/node" / driver_path;
  return fs::exists(own, ignored) ? own : fs::path();
}

// Only returns if that fails.
int bundle(const std::string &file, const std::vector<std::string> &options) {
  const std::string driver = find_driver(file);
  if (driver.empty()) {
    const fs::path package = program_folder().parent_path() / "share/lethe/lethe-node.tgz";
    std::cerr << "lethe: the npm package `lethe` is not there for " << file
              << ": npm install --save-dev esbuild " << package.native() << '\n';
    return failed;
  }
  std::vector<const char *> words{"node", driver.c_str()};
  for (const std::string &option : options)
    words.push_back(option.c_str());
  words.insert(words.end(), {"--", file.c_str(), nullptr});
  ::execvp("node", const_cast<char **>(words.data()));
  std::cerr << "lethe: node cannot be run: " << std::strerror(errno)
            << " (Debian's package nodejs brings it)\n";
  return failed;
}

} // namespace

void add_bundle_command(CLI::App &app, CommandLine &line) {
  CLI::App *command = app.add_subcommand(
      "bundle", "Make one script of a file and what it imports from npm, for `lethe script put`");
  const auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "JavaScript or TypeScript")->required();
  for (const BundleOption &option : bundle_options) {
    if (option.is_flag)
      command->add_flag(option.name, option.help);
    else
      command->add_option(option.name, option.help)
          ->type_name("TEXT")
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  command->footer("Runs Node.js with the esbuild that is installed for FILE.\n"
                  "Example:\n"
                  "  lethe bundle login.js -o login.mjs && lethe script put login login.mjs");
  command->callback([&line, command, file] {
    std::vector<std::string> options;
    for (const BundleOption &option : bundle_options) {
      const std::string name = std::string(option.name).substr(std::string(option.name).find("--"));
      const CLI::Option *given = command->get_option(name);
      if (option.is_flag && given->count() > 0)
        options.push_back(name);
      for (const std::string &value :
           option.is_flag ? std::vector<std::string>() : given->results())
        options.push_back(std::string(name).append("=").append(value));
    }
    line.action = [file, options] { return bundle(*file, options); };
  });
}

} // namespace lethe::command
