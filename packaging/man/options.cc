// SPDX-License-Identifier: Apache-2.0
// Prints a program's command line as part of its manual page (mdoc), from what parses it.
// usage: options lethe|lethed|lethe-snapshot
#include "packaging/man/options.h"
#include "packaging/man/mdoc.h"

#include <algorithm>
#include <cstdio>

namespace lethe {
namespace {

// "MS" of "MS:INT in [1 - 100]".
std::string type_of(const CLI::Option &option) {
  if (option.get_type_size() == 0)
    return "";
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

} // namespace

void print_options(const OptionList &options) {
  std::puts(".Bl -tag -width Ds");
  for (const CLI::Option *option : options) {
    std::printf(".It");
    const char *separator = " ";
    for (const std::string &name : option->get_snames()) {
      std::printf("%sFl %s", separator, mdoc_argument(name).c_str());
      separator = " , ";
    }
    for (const std::string &name : option->get_lnames()) {
      std::printf("%sFl \\-%s", separator, mdoc_text(name).c_str());
      separator = " , ";
    }
    if (const std::string type = type_of(*option); !type.empty())
      std::printf(" Ar %s", mdoc_argument(type).c_str());
    std::printf("\n%s.\n", mdoc_text(capitalised(option->get_description())).c_str());
  }
  std::puts(".El");
}

namespace {

// "Ar NAME ..." for each positional, as a line's rest.
void print_positionals(const CLI::App &command) {
  for (const CLI::Option *option : command.get_options())
    if (option->get_positional()) {
      const std::string name = mdoc_argument(option->get_name(true));
      const std::string dots = option->get_items_expected_max() > 1 ? " ..." : "";
      std::printf(option->get_required() ? " Ar %s%s" : " Oo Ar %s%s Oc", name.c_str(),
                  dots.c_str());
    }
}

} // namespace

OptionList own_options(const CLI::App &command, const OptionList &common) {
  OptionList own;
  for (const CLI::Option *option : command.get_options())
    if (!option->get_positional() && option != command.get_help_ptr() &&
        std::none_of(common.begin(), common.end(), [&](const CLI::Option *other) {
          return other->get_name() == option->get_name();
        }))
      own.push_back(option);
  return own;
}

void print_subcommands(const CLI::App &parent, const std::string &prefix,
                       const OptionList &common) {
  for (const CLI::App *command : parent.get_subcommands({})) {
    const std::string name = prefix + command->get_name();
    if (!command->get_subcommands({}).empty()) {
      print_subcommands(*command, name + " ", common);
      continue;
    }
    const OptionList own = own_options(*command, common);
    std::printf(".It Ic %s%s", mdoc_argument(name).c_str(), own.empty() ? "" : " Oo Ar options Oc");
    print_positionals(*command);
    std::printf("\n%s.\n", mdoc_text(capitalised(command->get_description())).c_str());
    if (!own.empty())
      print_options(own);
    if (const std::string footer = command->get_footer();
        !footer.empty() && footer != parent.get_footer())
      std::printf(".Bd -literal -offset Ds\n%s\n.Ed\n", mdoc_text(footer).c_str());
  }
}

} // namespace lethe

int main(int argc, char **argv) {
  const std::string_view program = argc == 2 ? argv[1] : "";
  if (program == "lethe")
    lethe::print_lethe();
  else if (program == "lethed")
    lethe::print_lethed();
  else if (program == "lethe-snapshot")
    lethe::print_lethe_snapshot();
  else
    return 1;
  return 0;
}
