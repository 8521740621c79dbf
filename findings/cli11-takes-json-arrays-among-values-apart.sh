#!/bin/bash
# One would guess: an option or operand of the type std::vector<std::string> has one element for each word of the command line.
#
# What happens: CLI11 takes a word that begins with [ and ends with ] for a list, drops the brackets, splits it at the commas and
# adds the parts; those that are empty it leaves out. Of the JSON text [1,2] come the words 1 and 2, of ["a,b"] the words "a and b",
# and [] is no word at all. Each part of [1,2] is valid JSON itself, so that a program which parses its arguments takes one argument
# of two numbers for two arguments. {"a":[1,2]} and a word with a blank around the brackets are left alone.
#
# Who meets it: commands whose arguments are JSON, character classes of a pattern ([a-z,0-9]), or IPv6 addresses in brackets.
# allow_extra_args(false) stops it where one option takes one word at a time; for an operand that takes all the rest of the line
# one has to change the words before CLI11 sees them.
#
# Documented: in the chapter about configuration files ("Argument With Brackets" in
# https://github.com/CLIUtils/CLI11/blob/main/book/chapters/config.md), where it is an edge case of theirs, not where vectors
# on the command line are explained.
# Seen with CLI11 2.1.2+ds-1 (Debian 12), g++ 12.2.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cat > words.cc <<'CC'
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

int main(int count, char **words) {
  CLI::App app;
  std::vector<std::string> arguments;
  app.add_option("arguments", arguments);
  CLI11_PARSE(app, count, words);
  std::cout << arguments.size() << " of " << count - 1 << ":";
  for (const std::string &argument : arguments) std::cout << " <" << argument << ">";
  std::cout << "\n";
}
CC
g++ -o words words.cc
dpkg-query -W libcli11-dev
{
  ./words first '{"a":[1,2]}'
  ./words first '[1,2]'
  ./words first '["a,b"]'
  ./words first '[]'
  ./words first ' [1,2]'
} | tee result
diff result - <<'R'
2 of 2: <first> <{"a":[1,2]}>
3 of 2: <first> <1> <2>
3 of 2: <first> <"a> <b">
1 of 2: <first>
2 of 2: <first> < [1,2]>
R
