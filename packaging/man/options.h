// SPDX-License-Identifier: Apache-2.0
// Printing of command lines for the manual.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lethe {

using OptionList = std::vector<const CLI::Option *>;

// Options of the command itself, without help and those that are in `common`, too.
OptionList own_options(const CLI::App &command, const OptionList &common);
void print_options(const OptionList &options);
// The items of a list of subcommands, each with its own options and examples.
void print_subcommands(const CLI::App &parent, const std::string &prefix, const OptionList &common);

// Each program in a file that knows its command line.
void print_lethe();
void print_lethed();
void print_lethe_snapshot();

} // namespace lethe
