// SPDX-License-Identifier: Apache-2.0
// The rewind's figures as tables.
#include "tests/bench/rewind.h"

#include <cstdio>

namespace lethe::bench {
namespace {

double number(const json &figures, const char *key) {
  return figures.contains(key) ? figures.at(key).get<double>() : 0;
}

void print_cost(const json &cost) {
  std::printf("\n%-20s %10s %10s %10s %10s %10s %16s\n", "rewind", "p50 us", "p99 us", "mean us",
              "pages", "faults", "next tiny, us");
  for (const auto &[kind, figures] : cost.items())
    std::printf("%-20s %10.0f %10.0f %10.1f %10.1f %10.2f %16.0f\n", kind.c_str(),
                number(figures, "rewind_p50_us"), number(figures, "rewind_p99_us"),
                number(figures, "rewind_us"), number(figures, "pages"), number(figures, "faults"),
                number(figures, "tiny_right_after_us"));
}

void print_cell(const json &cell) {
  if (cell.at("replaced"))
    std::printf(" %22s", ("replaced, " + std::to_string(cell.at("request_us").get<int>())).c_str());
  else
    std::printf(" %10.1f, %10.1f", number(cell, "rewind_us"), number(cell, "request_us"));
}

void print_table(const json &rows) {
  std::printf("\n%-24s %22s %22s %22s\n", "us: rewind, request", "pagemap_scan", "pagemap", "drop");
  for (const json &row : rows) {
    const json &name = row.at("row");
    std::printf("%-24s",
                (std::to_string(name[1].get<int>()) + " " + name[0].get<std::string>()).c_str());
    for (const char *method : {"pagemap_scan", "pagemap", "drop"})
      print_cell(row.at(method));
    std::printf("\n");
  }
}

void print_ways(const json &ways) {
  std::printf("\n%-20s %12s %12s %12s %12s %12s\n", "clean state by", "CPU us, 1", "CPU us, 16",
              "p50 us, 1", "per s, 16", "CPU/rewind");
  for (const auto &[name, figures] : ways.items())
    std::printf("%-20s %12.1f %12.1f %12.1f %12.0f %12.2f\n", name.c_str(),
                number(figures, "cpu_us_1"), number(figures, "cpu_us_16"),
                number(figures, "p50_us_1"), number(figures, "per_second_16"),
                number(figures, "cpu_to_rewind"));
}

} // namespace

json rewind_figures(const Effort &effort) {
  json figures;
  figures["cost"] = rewind_cost(effort);
  print_cost(figures["cost"]);
  std::fflush(stdout);
  figures["clean_state"] = clean_state_ways(effort);
  print_ways(figures["clean_state"]);
  std::fflush(stdout);
  figures["table"] = rewind_table(effort);
  print_table(figures["table"]);
  std::fflush(stdout);
  return figures;
}

} // namespace lethe::bench
